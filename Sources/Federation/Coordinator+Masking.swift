import Foundation
import Logging
import SecureAggregation

extension Coordinator {
    /// The header of a masked round that begins now.
    func roundHeader(
        round: Int,
        invited: [String],
        masking: CoordinatorMasking
    ) throws -> SignedRoundHeader {
        let cohort = invited.compactMap(masking.id(of:))
        var header = try RoundHeader(
            session: masking.session,
            round: UInt32(round),
            roster: masking.roster,
            cohort: cohort,
            emulatorManifestHash: emulatorHash(original: masking.emulatorHash),
            stateHash: state.hash,
            updateLength: schema.count,
            clip: masking.clip,
            weightMaximum: masking.weightMaximum,
            threshold: masking.threshold.map { min($0, cohort.count) },
            minimumSurvivors: masking.minimumSurvivors.map { min($0, cohort.count) },
            bits: masking.quantisation.bits,
            rotation: try masking.quantisation.rotation(round: round, updateLength: schema.count)
        )
        if let limits { header.deadlines = limits.deadlines(from: UInt64(Date().timeIntervalSince1970 * 1000)) }
        return try SignedRoundHeader(header, signingKey: masking.signingKey)
    }

    /// Gathers masked updates over the legs of SA1 (R0 … R5); who fails a leg is left out, and the coordinator learns
    /// the sum of the rest.
    func gatherMasked(
        _ opening: RoundOpening,
        masking: CoordinatorMasking,
        traffic: inout TrafficCount,
        isCancelled: @Sendable () -> Bool
    ) async throws -> Gathered {
        let header = try opening.roundHeader()
        let server = try SecureAggregationServer(
            header: header,
            signingKey: masking.signingKey,
            roster: masking.roster,
            updateRule: CoordinatorMasking.updateRule
        )
        let legs = MaskedLegs(opening: opening, deadlines: header.deadlines, masking: masking)

        let ready = try await instruct(
            opening,
            deadline: legs.deadline(.advertise),
            traffic: &traffic,
            isCancelled: isCancelled
        ).compactMap(masking.id(of:))
        let signed = server.signedHeader.encoded()
        try await leg(.advertise, of: legs, to: ready.sorted(), { _ in signed }, &traffic, isCancelled) {
            (message: Advertisement) in
            try server.receive(message)
        }
        let advertisements = try server.closeAdvertising().encoded()
        try await leg(.share, of: legs, to: server.advertised, { _ in advertisements }, &traffic, isCancelled) {
            (message: ShareBundle) in
            try server.receive(message)
        }
        let deliveries = try server.closeShares()
        try await leg(
            .mask,
            of: legs,
            to: deliveries.keys.sorted(),
            { deliveries[$0]?.encoded() ?? [] },
            &traffic,
            isCancelled
        ) {
            (message: MaskedInput) in
            try server.receive(message)
        }
        let survivors = try server.closeMasking().encoded()
        try await leg(.confirm, of: legs, to: server.survivors, { _ in survivors }, &traffic, isCancelled) {
            (message: ConsistencySignature) in
            try server.receive(message)
        }
        let request = try server.closeConsistency().encoded()
        try await leg(.unmask, of: legs, to: server.survivors, { _ in request }, &traffic, isCancelled) {
            (message: UnmaskAnswer) in
            try server.receive(message)
        }
        let result = try server.finish()
        let encoded = Frame(.secureAggregation, payload: Data([MaskingLeg.accept.rawValue] + result.encoded())).encoded
        try await ask(
            result.survivors.compactMap { id in masking.name(of: id).map { ($0, encoded) } },
            opening.key(.accept),
            deadline: soon,
            traffic: &traffic,
            isCancelled: isCancelled
        ) { _, _ in }
        return Gathered(
            mean: try FixedPointCodec(
                header,
                rotation: masking.quantisation.rotation(round: opening.round, updateLength: schema.count)
            ).decodeMean(result.aggregate, survivors: result.survivors.count),
            included: result.survivors.compactMap(masking.name(of:)),
            view: server.view,
            // Each coordinate moves by less than one step of the grid; a rotation has more of them.
            roundingExcess: Double(header.updateLength).squareRoot() / header.scale
        )
    }

    /// Sends one leg to each of `ids` and hands the answers that can be read to `receive`; a bad answer drops its sender.
    private func leg<Message: RoundMessage>(
        _ leg: MaskingLeg,
        of legs: MaskedLegs,
        to ids: [UInt32],
        _ bytes: (UInt32) -> [UInt8],
        _ traffic: inout TrafficCount,
        _ isCancelled: @Sendable () -> Bool,
        receive: (Message) throws -> Void
    ) async throws {
        try await ask(
            ids.compactMap { id in
                legs.masking.name(of: id).map {
                    ($0, Frame(.secureAggregation, payload: Data([leg.rawValue] + bytes(id))).encoded)
                }
            },
            legs.opening.key(leg.exchange),
            deadline: legs.deadline(leg),
            traffic: &traffic,
            isCancelled: isCancelled
        ) { name, answer in
            guard answer.kind == .secureAggregation else { return note(answer, of: name, round: legs.opening.round) }
            try receive(Message(decoding: [UInt8](answer.payload)))
        }
    }

    /// What the legs of one round have in common.
    private struct MaskedLegs {
        let opening: RoundOpening
        let deadlines: [UInt64]
        let masking: CoordinatorMasking

        /// The end of a leg in milliseconds since 1970; nil: none.
        func deadline(_ leg: MaskingLeg) -> UInt64? {
            let position = Int(leg.rawValue)
            guard deadlines.indices.contains(position), deadlines[position] > 0 else { return nil }
            return deadlines[position]
        }
    }
}
