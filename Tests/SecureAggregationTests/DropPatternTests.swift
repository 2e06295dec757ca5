import SecureAggregation
import Testing

@Suite("Every drop pattern ends in the exact ring sum or a clean abort")
struct DropPatternTests {
    /// Participant i + 1 answers the first `stamina[i]` of the legs R0 ... R4.
    private func play(_ stamina: [Int], threshold: Int, round number: UInt32) throws -> Outcome {
        let federation = try TestFederation(
            participants: stamina.count,
            threshold: threshold,
            minimumSurvivors: 2,
            updateLength: 3,
            round: number
        )
        let round = try TestRound(federation)
        func present(_ leg: Int) -> [UInt32] { federation.header.cohort.filter { stamina[Int($0) - 1] > leg } }
        do {
            let list = try round.advertise(present(0))
            let deliveries = try round.share(list, present(1))
            let survivors = try round.mask(deliveries, present(2))
            let request = try round.confirm(survivors, present(3))
            let result = try round.unmask(request, present(4))
            #expect(result.survivors == present(2))
            #expect(result.aggregate == federation.ringSum(present(2)))
            for id in present(4) { #expect(try round[id].accept(result) == result.aggregate) }
            return .sum
        } catch SecureAggregationError.tooFew(let leg, let count, let needed) {
            #expect(count < needed)
            return .aborted(leg)
        }
    }

    private enum Outcome: Equatable {
        case sum
        case aborted(Leg)
    }

    private func expected(_ stamina: [Int], threshold: Int) -> Outcome {
        for leg in [Leg.advertise, .shares, .masked, .consistent, .unmask] {
            let needed = leg <= .masked ? max(threshold, 2) : threshold
            if stamina.filter({ $0 > Int(leg.rawValue) }).count < needed { return .aborted(leg) }
        }
        return .sum
    }

    @Test(arguments: [2, 3]) func allPatternsOfThree(threshold: Int) throws {
        var sums = 0
        for pattern in 0..<216 {
            let stamina = [pattern % 6, pattern / 6 % 6, pattern / 36]
            let outcome = try play(stamina, threshold: threshold, round: UInt32(pattern))
            #expect(outcome == expected(stamina, threshold: threshold))
            if outcome == .sum { sums += 1 }
        }
        #expect(sums == (threshold == 3 ? 1 : 1 + 3 * 5))
    }

    @Test(arguments: [3, 4]) func randomPatternsOfFive(threshold: Int) throws {
        for number in 0..<60 {
            let stamina = (0..<5).map { _ in [5, 5, 5, 4, 3, 2, 1, 0].randomElement() ?? 5 }
            #expect(
                try play(stamina, threshold: threshold, round: UInt32(number))
                    == expected(stamina, threshold: threshold)
            )
        }
    }
}
