import Cryptography
import SecureAggregation
import Testing

@Suite("Round headers, policies and rosters")
struct HeaderAndPolicyTests {
    @Test func theDefaultThresholdIsTwoThirds() {
        let table = [2: 2, 3: 3, 4: 3, 5: 4, 6: 5, 9: 7, 10: 7, 100: 67, 255: 171]
        for (n, t) in table { #expect(RoundHeader.defaultThreshold(participants: n) == t) }
    }

    @Test func theHashCoversEveryField() throws {
        let header = try TestFederation(participants: 3).header
        let changes: [(inout RoundHeader) -> Void] = [
            { $0.session[0] ^= 1 }, { $0.round += 1 }, { $0.rosterHash[31] ^= 1 }, { $0.emulatorManifestHash[0] ^= 1 },
            { $0.stateHash[7] ^= 1 }, { $0.cohort[2] += 1 }, { $0.cohort.removeLast() }, { $0.mode = 1 },
            { $0.threshold -= 1 }, { $0.neighbours = 3 }, { $0.bits = 24 }, { $0.length += 1 }, { $0.clip *= 2 },
            { $0.scale *= 0.5 }, { $0.rotationCommitment[0] = 1 }, { $0.noiseMechanism = 1 }, { $0.noiseVariance = 1 },
            { $0.noiseSurvivors = 1 }, { $0.minimumSurvivors -= 1 }, { $0.deadlines[4] = 1 }, { $0.weightMaximum = 1 },
        ]
        var hashes: Set<[UInt8]> = [header.hash]
        for change in changes {
            var changed = header
            change(&changed)
            hashes.insert(changed.hash)
        }
        #expect(hashes.count == changes.count + 1)
    }

    @Test func theEncodingIsTheSpecifications() throws {
        let header = try TestFederation(participants: 3).header
        let bytes = header.encoded()
        #expect(Array(bytes[..<5]) == Array("FSA1".utf8) + [0x10])
        #expect(Array(bytes[5..<9]) == Array("FSA1".utf8))
        // Fixed fields of 1.4, three ids, and the added weightMaximum.
        #expect(bytes.count == 5 + 4 + 16 + 4 + 96 + 2 + 12 + 1 + 2 + 2 + 1 + 8 + 8 + 8 + 32 + 1 + 8 + 2 + 2 + 40 + 4)
        #expect(header.encodedByteCount == bytes.count)
        #expect(try RoundHeader(decoding: bytes) == header)
        #expect(Array(bytes[125..<139]) == [3, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0])
    }

    @Test func unusableHeadersAreRefused() throws {
        let header = try TestFederation(participants: 4, threshold: 3).header
        try header.validate()
        let changes: [(inout RoundHeader) -> Void] = [
            { $0.session = [] }, { $0.stateHash = [1] }, { $0.cohort = [1] }, { $0.cohort = [2, 1, 3, 4] },
            { $0.cohort = [1, 1, 3, 4] }, { $0.cohort = Array(1...129) }, { $0.mode = 1 }, { $0.neighbours = 1 },
            { $0.threshold = 5 }, { $0.threshold = 2 }, { $0.threshold = 0 }, { $0.bits = 64 }, { $0.bits = 31 },
            { $0.length = 0 }, { $0.length = .max }, { $0.clip = .nan }, { $0.clip = .infinity }, { $0.clip = 0 },
            { $0.clip = -1 }, { $0.scale = .nan }, { $0.scale = 0 }, { $0.scale = -1 }, { $0.scale *= 2 },
            { $0.rotationCommitment = [1] },
            {
                $0.length = 6; $0.rotationCommitment[3] = 1
            }, { $0.noiseMechanism = 1 }, { $0.noiseVariance = .nan },
            { $0.minimumSurvivors = 1 }, { $0.minimumSurvivors = 5 }, { $0.deadlines = [] },
            { $0.weightMaximum = .max },
        ]
        for (index, change) in changes.enumerated() {
            var changed = header
            change(&changed)
            #expect(throws: SecureAggregationError.self, "change \(index)") { try changed.validate() }
        }
        #expect(throws: SecureAggregationError.self) { try TestFederation(participants: 1) }
        #expect(throws: SecureAggregationError.self) { try TestFederation(participants: 129, minimumSurvivors: 3) }
        #expect(throws: SecureAggregationError.self) { try TestFederation(participants: 128, clip: .infinity) }
        #expect(throws: SecureAggregationError.self) { try TestFederation(participants: 4, threshold: 5) }
    }

    @Test func thePolicyDecidesWhatIsAccepted() throws {
        let three = try TestFederation(participants: 3, threshold: 2).header
        #expect(throws: SecureAggregationError.self) { try RoundPolicy().check(three) }
        try RoundPolicy.simulation.check(three)
        #expect(throws: SecureAggregationError.self) {
            try RoundPolicy(threshold: .majority, minimumSurvivors: 3).check(three)
        }
        let strict = try TestFederation(participants: 3).header
        try RoundPolicy().check(strict)
        #expect(throws: SecureAggregationError.self) { try RoundPolicy(maximumClip: 9).check(strict) }
        #expect(throws: SecureAggregationError.self) { try RoundPolicy(minimumCohort: 4).check(strict) }
        let weighted = try TestFederation(participants: 3, weightMaximum: 9).header
        try RoundPolicy().check(weighted)
        #expect(throws: SecureAggregationError.self) { try RoundPolicy(allowsWeights: false).check(weighted) }

        let two = try TestFederation(participants: 2).header
        #expect(throws: SecureAggregationError.self) { try RoundPolicy.simulation.check(two) }
        #expect(RoundPolicy.warnings(for: strict).contains { $0.contains("single dropout") })
        #expect(RoundPolicy.warnings(for: try TestFederation(participants: 12, minimumSurvivors: 9).header).isEmpty)
    }

    @Test func aRosterHasEveryKeyOnce() throws {
        let keys = try (0..<3).map { _ in try Ed25519SigningKey().publicKey }
        let roster = try Roster(coordinatorKey: keys[0], memberKeys: [keys[1], keys[2]])
        #expect(roster.ids == [1, 2])
        #expect(roster.key(of: 2) == keys[2])
        #expect(roster.key(of: 0) == nil)
        #expect(roster.key(of: 3) == nil)
        #expect(try Roster(coordinatorKey: keys[0], memberKeys: [keys[2], keys[1]]).hash != roster.hash)
        #expect(throws: SecureAggregationError.self) { try Roster(coordinatorKey: keys[0], memberKeys: [keys[0]]) }
        #expect(throws: SecureAggregationError.self) {
            try Roster(coordinatorKey: keys[0], memberKeys: [keys[1], keys[1]])
        }
        #expect(throws: SecureAggregationError.self) { try Roster(coordinatorKey: [1], memberKeys: [keys[1]]) }
    }
}
