import Audit
import Foundation
import Testing

@Suite("Utility of the audited models")
struct UtilityTests {
    private func record(_ coin: Int, isMember: Bool) -> AuditedRecord {
        AuditedRecord(id: "r\(coin)", holder: "a", coin: coin, isMember: isMember, text: "t", answer: "t")
    }

    private func scores(_ logProbabilities: [[Double]]) -> ObservationCollector.ModelScores {
        ObservationCollector.ModelScores(
            plain: logProbabilities.map { tokens in
                tokens.map { TokenObservation(logProbability: $0, mean: -3, deviation: 1, isArgmax: false) }
            },
            lowered: nil
        )
    }

    @Test("Perplexity is over the tokens of held-out records, and members do not count")
    func values() throws {
        let records = [record(0, isMember: true), record(1, isMember: false), record(2, isMember: false)]
        let untuned = scores([[-100], [-2, -2], [-4, -4, -4, -4]])
        let tuned = scores([[0], [-1, -1], [-3, -3, -3, -3]])
        let found = RunFacts.Utility.heldOutPerplexities(
            of: [.init("full model", untuned), .init("plugged-in model", tuned, before: "full model")],
            records: records
        )
        #expect(found.map(\.model) == ["full model", "plugged-in model"])
        #expect(abs(found[0].value - exp(20.0 / 6)) < 1e-9)
        #expect(abs(found[1].value - exp(14.0 / 6)) < 1e-9)
        #expect(found[0].change == nil)
        // Every token gained one nat: the records differ, the gain does not, and pairing knows it.
        let change = try #require(found[1].change)
        #expect(change.from == "full model" && abs(change.ratio - exp(-1)) < 1e-9)
        #expect(abs(change.interval.upper - change.interval.lower) < 1e-9)
        let interval = try #require(found[1].interval)
        #expect(interval.lower < found[1].value && found[1].value < interval.upper)
        // The ratio estimator by hand: residuals 2 − 2·14/6 and 12 − 4·14/6, n/(n−1) = 2, over 6 tokens.
        let error = (2 * (pow(2 - 28.0 / 6, 2) + pow(12 - 56.0 / 6, 2))).squareRoot() / 6
        #expect(abs(log(interval.upper / found[1].value) - 1.959964 * error) < 1e-6)
    }

    @Test("Records of one coin are one draw")
    func coins() throws {
        let apart = (0..<4).map { record($0, isMember: false) }
        let tied = [0, 0, 1, 1].map { record($0, isMember: false) }
        let model = scores([[-1], [-1], [-3], [-3]])
        func width(_ records: [AuditedRecord]) throws -> Double {
            let found = RunFacts.Utility.heldOutPerplexities(of: [.init("m", model)], records: records)
            let interval = try #require(found[0].interval)
            return log(interval.upper / interval.lower)
        }
        #expect(try width(tied) > 1.2 * width(apart))
    }

    @Test("A rate of zero comes with what so few members can say")
    func rateOfZero() throws {
        var suite = AttackSuite()
        suite.attacks = ["LOSS"]
        suite.bootstrapReplicates = 200
        suite.permutations = 200
        // Members are much less likely than anything held out: no threshold catches any of them.
        var input = SyntheticRun(leak: 0, recordsPerHolder: 20).input()
        for index in input.records.indices where input.records[index].isMember {
            for vantage in input.vantages.indices {
                let count = input.vantages[vantage].tuned[index].count
                input.vantages[vantage].tuned[index] = Array(
                    repeating: TokenObservation(logProbability: -50, mean: -3, deviation: 1, isArgmax: false),
                    count: count
                )
            }
        }
        let report = try Audit.run(inputs: [input], suite: suite).report
        let rate = try #require(report.runs[0].vantages[0].attacks[0].truePositiveRates.first)
        #expect(rate.value == 0 && rate.interval.lower == 0)
        let members = Double(report.runs[0].counts.memberCoins)
        // Clopper and Pearson's upper end for none of n is 1 − 0.025^(1/n).
        #expect(abs(rate.interval.upper - (1 - pow(0.025, 1 / members))) < 1e-6)
    }
}
