import Cryptography
import Foundation
import SecureAggregation

/// A participant's side of one masked round: answers each leg, and trains between shares and masks.
struct MaskedParticipant {
    private let masking: ParticipantMasking
    private let machine: SecureAggregationParticipant
    private let memory: any RoundMemory
    private let stateHash: [UInt8]
    private let adapterCount: Int
    private let emulatorHash: [UInt8]
    private let round: Int
    /// The mean of the updates, once the sum was accepted.
    private(set) var mean: [Float]?

    /// - Parameter emulatorHash: of the emulator that the holder trains on.
    init(
        _ masking: ParticipantMasking,
        emulatorHash: [UInt8],
        memory: any RoundMemory,
        state: AdapterState,
        round: Int
    ) {
        self.masking = masking
        self.emulatorHash = emulatorHash
        self.memory = memory
        machine = SecureAggregationParticipant(
            id: masking.id,
            signingKey: masking.signingKey,
            roster: masking.roster,
            policy: masking.policy,
            memory: memory
        )
        stateHash = state.hash
        adapterCount = state.values.count
        self.round = round
    }

    private var rotation: HadamardRotation? {
        get throws { try masking.quantisation.rotation(round: round, updateLength: adapterCount) }
    }

    /// A round is summed once. Two sums of the same updates over different cohorts would give away their difference, which is
    /// one participant's update (federation.md 1.3, "differencing"); a new header for the same round changes nothing of that.
    private func checkNumber(of header: RoundHeader) throws {
        guard header.session == masking.session else {
            throw FederationError.refused(reason: "the round belongs to another federation")
        }
        guard header.round == UInt32(truncatingIfNeeded: round) else {
            throw FederationError.refused(reason: "the header is of round \(header.round) and we are in round \(round)")
        }
        guard try !memory.hasAnswered(roundNumber) else {
            throw FederationError.refused(
                reason: "round \(round) was unmasked with us before, and two sums of one round give away single updates"
            )
        }
    }

    private var roundNumber: [UInt8] {
        TaggedHash.digest("fsot/round-number", masking.session, UInt32(truncatingIfNeeded: round).littleEndianBytes)
    }

    /// Answers a leg; `update` is called for the masking leg only.
    mutating func answer(
        _ payload: Data,
        weight: UInt32,
        update: () async throws -> [Float],
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> Data {
        guard let leg = payload.first.flatMap(MaskingLeg.init(rawValue:)) else {
            throw FederationError.malformedMessage(from: "the coordinator", reason: "unknown leg of the aggregation")
        }
        let bytes = [UInt8](payload.dropFirst())
        switch leg {
        case .advertise:
            let signed = try SignedRoundHeader(decoding: bytes)
            try checkNumber(of: signed.header)
            guard Int(signed.header.bits) == masking.quantisation.bits else {
                throw FederationError.refused(
                    reason:
                        "the round's integers have \(signed.header.bits) bits instead of \(masking.quantisation.bits)"
                )
            }
            let expectation = RoundExpectation(
                emulatorManifestHash: emulatorHash,
                stateHash: stateHash,
                updateLength: adapterCount,
                updateRule: CoordinatorMasking.updateRule,
                rotation: try rotation
            )
            return Data(try machine.advertise(signed, expecting: expectation).encoded())
        case .share:
            return Data(try machine.share(AdvertisementList(decoding: bytes)).encoded())
        case .mask:
            guard let header = machine.header else {
                throw FederationError.malformedMessage(from: "the coordinator", reason: "masking before advertising")
            }
            let delivery = try ShareDelivery(decoding: bytes)
            let delta = try await update()
            let key = TaggedHash("fsot/rounding")
            key.append(masking.roundingSeed)
            key.append(UInt32(truncatingIfNeeded: round))
            let words = try FixedPointCodec(header, rotation: rotation).encode(
                delta,
                weight: header.isWeighted ? min(max(1, weight), header.weightMaximum) : 1,
                clipping: .rescale,
                roundingKey: SecretBytes(copying: key.digest())
            )
            return Data(try machine.mask(words, after: delivery).encoded())
        case .confirm:
            return Data(try machine.confirm(SurvivorList(decoding: bytes)).encoded())
        case .unmask:
            // Synced before any share leaves: from now on no other sum of this round can be unmasked with us.
            guard try memory.answer(roundNumber) else { throw SecureAggregationError.replayed(leg: .unmask) }
            return Data(try machine.unmask(UnmaskRequest(decoding: bytes)).encoded())
        case .accept:
            let result = try RoundResult(decoding: bytes)
            try machine.accept(result)
            if let header = machine.header {
                mean = try FixedPointCodec(header, rotation: rotation).decodeMean(
                    result.aggregate,
                    survivors: result.survivors.count
                )
            }
            return Data()
        }
    }
}
