import Cryptography
import SecureAggregation
import Testing

@Suite("Secrets out of shares of which some are wrong")
struct SecretRecoveryTests {
    private func recover(_ count: Int, threshold: Int, wrong: [Int], dice: inout SeededDice) throws -> Bool {
        let secret = try SecretBytes.random(count: 32)
        let xs = (1...count).map { UInt8($0) }
        let shares = try ShamirSharing.split(secret, threshold: threshold, xs: xs).exposed()
        var each = (0..<count).map { Array(shares[32 * $0..<32 * $0 + 32]) }
        for place in wrong {
            // One byte or all: a liar may hide the lie in a single one.
            if dice.isOne(of: 2) {
                each[place][Int.random(in: 0..<32, using: &dice)] ^= UInt8.random(in: 1...255, using: &dice)
            } else {
                each[place] = each[place].map { $0 ^ UInt8.random(in: 1...255, using: &dice) }
            }
        }
        var recovery = SecretRecovery(xs: xs, threshold: threshold)
        guard let found = try recovery.recover(each, check: { $0 == secret }) else { return false }
        return found == secret
    }

    /// As many as decoding can correct, anywhere, also where the first subsets in order all hold a liar.
    @Test(arguments: [(5, 3), (20, 14), (90, 67), (128, 86)]) func halfTheRedundancyIsCorrected(
        count: Int,
        threshold: Int
    ) throws {
        var dice = SeededDice(count)
        let capacity = (count - threshold) / 2
        #expect(try recover(count, threshold: threshold, wrong: Array(0..<capacity), dice: &dice))
        #expect(
            try recover(
                count,
                threshold: threshold,
                wrong: Array((0..<count).shuffled(using: &dice).prefix(capacity)),
                dice: &dice
            )
        )
    }

    /// Beyond that, the commitment finds a right set among all of them.
    @Test func smallCohortsTryEverySubset() throws {
        var dice = SeededDice(1)
        for wrong in [[0], [1], [0, 1], [0, 3], [2, 4]] {
            #expect(try recover(5, threshold: 3, wrong: wrong, dice: &dice))
        }
        #expect(try recover(4, threshold: 3, wrong: [0], dice: &dice))
        #expect(!(try recover(4, threshold: 3, wrong: [0, 1], dice: &dice)))
        #expect(!(try recover(3, threshold: 3, wrong: [2], dice: &dice)))
    }

    /// What a coordinator with nearly as many liars as the round tolerates comes to.
    @Test func aLargeRoundWithLiarsInFrontGivesTheExactSum() throws {
        let federation = try TestFederation(participants: 16, threshold: 11, minimumSurvivors: 11)
        let round = try TestRound(federation)
        let request = try round.confirm(round.mask(round.share(round.advertise()), Array(1...15)))
        for id in round.server.survivors {
            var answer = try round[id].unmask(request)
            if id <= 2 {
                for index in answer.seedShares.indices { answer.seedShares[index].bytes[3] ^= UInt8(id) }
                for index in answer.keyShares.indices { answer.keyShares[index].bytes[9] ^= UInt8(id) }
                answer.signature = try federation.key(id).sign(answer.signedBytes)
            }
            try round.server.receive(answer)
        }
        #expect(try round.server.finish().aggregate == federation.ringSum(Array(1...15)))
    }
}
