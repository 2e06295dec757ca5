import Foundation
import Logging
import SecureAggregation

extension Coordinator {
    /// Gathers masked updates over the legs of SA1 (R0 … R5); who fails a leg is left out, and the coordinator learns
    /// the sum of the rest.
    func gatherMasked(
        round: Int,
        from invited: [String],
        masking: CoordinatorMasking,
        traffic: inout TrafficCount,
        isCancelled: @Sendable () -> Bool
    ) async throws -> Gathered {
        let ids = Dictionary(
            uniqueKeysWithValues: masking.names.enumerated().map { ($0.element, UInt32($0.offset + 1)) }
        )
        let names = Dictionary(uniqueKeysWithValues: ids.map { ($0.value, $0.key) })
        let cohort = invited.compactMap { ids[$0] }
        let header = try RoundHeader(
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
            minimumSurvivors: masking.minimumSurvivors.map { min($0, cohort.count) }
        )
        let server = try SecureAggregationServer(
            header: header,
            signingKey: masking.signingKey,
            roster: masking.roster,
            updateRule: CoordinatorMasking.updateRule
        )

        let opening = try openingFrame(round: round, isMasked: true)
        var ready: [UInt32] = []
        for id in header.cohort {
            guard let name = names[id], let answer = await exchange(opening, with: name, traffic: &traffic) else {
                continue
            }
            if answer.kind == .ready { ready.append(id) } else { note(answer, of: name, round: round) }
        }
        let signed = server.signedHeader.encoded()
        try await leg(.advertise, to: ready, names, { _ in signed }, &traffic, isCancelled) {
            (message: Advertisement) in
            try server.receive(message)
        }
        let advertisements = try server.closeAdvertising().encoded()
        try await leg(.share, to: server.advertised, names, { _ in advertisements }, &traffic, isCancelled) {
            (message: ShareBundle) in
            try server.receive(message)
        }
        let deliveries = try server.closeShares()
        try await leg(
            .mask,
            to: deliveries.keys.sorted(),
            names,
            { deliveries[$0]?.encoded() ?? [] },
            &traffic,
            isCancelled
        ) { (message: MaskedInput) in
            try server.receive(message)
        }
        let survivors = try server.closeMasking().encoded()
        try await leg(.confirm, to: server.survivors, names, { _ in survivors }, &traffic, isCancelled) {
            (message: ConsistencySignature) in
            try server.receive(message)
        }
        let request = try server.closeConsistency().encoded()
        try await leg(.unmask, to: server.survivors, names, { _ in request }, &traffic, isCancelled) {
            (message: UnmaskAnswer) in
            try server.receive(message)
        }
        let result = try server.finish()
        let encoded = Data([MaskingLeg.accept.rawValue] + result.encoded())
        for id in result.survivors {
            guard let name = names[id] else { continue }
            _ = await exchange(Frame(.secureAggregation, payload: encoded), with: name, traffic: &traffic)
        }
        return Gathered(
            mean: try FixedPointCodec(header).decodeMean(result.aggregate, survivors: result.survivors.count),
            included: result.survivors.compactMap { names[$0] },
            view: server.view,
            // Each coordinate moves by less than one step of the grid.
            roundingExcess: Double(schema.count).squareRoot() / header.scale
        )
    }

    /// Sends one leg to each of `ids` and hands the answers that can be read to `receive`; a bad answer drops its sender.
    private func leg<Message: RoundMessage>(
        _ leg: MaskingLeg,
        to ids: [UInt32],
        _ names: [UInt32: String],
        _ bytes: (UInt32) -> [UInt8],
        _ traffic: inout TrafficCount,
        _ isCancelled: @Sendable () -> Bool,
        receive: (Message) throws -> Void
    ) async throws {
        for id in ids {
            if isCancelled() { throw CancellationError() }
            guard let name = names[id] else { continue }
            let frame = Frame(.secureAggregation, payload: Data([leg.rawValue] + bytes(id)))
            guard let answer = await exchange(frame, with: name, traffic: &traffic) else { continue }
            if isCancelled() { throw CancellationError() }
            guard answer.kind == .secureAggregation else {
                note(answer, of: name, round: progressState.completedRounds + 1)
                continue
            }
            do {
                try receive(Message(decoding: [UInt8](answer.payload)))
            } catch {
                logger.warning("\(name) is left out: \(error)")
            }
        }
    }
}
