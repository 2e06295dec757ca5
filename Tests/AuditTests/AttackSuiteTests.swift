import Audit
import Foundation
import Testing

@Suite("Attack suites")
struct AttackSuiteTests {
    private func decode(_ json: String) throws -> AttackSuite {
        try JSONDecoder().decode(AttackSuite.self, from: Data(json.utf8))
    }

    @Test("What is left out keeps its default, and a suite survives its own encoding")
    func defaults() throws {
        #expect(try decode("{}") == AttackSuite())
        let suite = try decode(#"{"attacks":["ratio"],"seed":7,"policy":{"resolvable_auc":0.7},"blind":{"folds":3}}"#)
        #expect(suite.attacks == ["ratio"] && suite.seed == 7 && suite.policy.resolvableAUC == 0.7)
        #expect(suite.blind.folds == 3 && suite.policy.significance == 0.05)
        let drawing = try decode(#"{"neighbour":{"count":4},"samia":{"zlib":true,"top_k":7}}"#)
        #expect(drawing.neighbour?.count == 4 && drawing.neighbour?.share == 0.3)
        #expect(drawing.samia?.weightsByZlib == true && drawing.samia?.topK == 7 && drawing.samia?.samples == 10)
        #expect(try JSONDecoder().decode(AttackSuite.self, from: JSONEncoder().encode(suite)) == suite)
    }

    @Test(
        "Mistakes are named by key",
        arguments: [
            (#"{"attack":["LOSS"]}"#, "attack"),
            (#"{"policy":{"max_auc":0.6}}"#, "policy.max_auc"),
            (#"{"attacks":[]}"#, "attacks"),
            (#"{"attacks":["LOSS","loss"]}"#, "attacks"),
            (#"{"mink_fraction":0}"#, "mink_fraction"),
            (#"{"ez_smoothing":-1}"#, "ez_smoothing"),
            (#"{"lira_prior_degrees":0}"#, "lira_prior_degrees"),
            (#"{"rmia_gamma":-2}"#, "rmia_gamma"),
            (#"{"rmia_offline_a":1.1}"#, "rmia_offline_a"),
            (#"{"neighbour":{"count":0}}"#, "neighbour"),
            (#"{"neighbour":{"share":1.5}}"#, "neighbour"),
            (#"{"neighbour":{"candidates":0}}"#, "neighbour"),
            (#"{"neighbour":{"counts":3}}"#, "neighbour.counts"),
            (#"{"samia":{"samples":0}}"#, "samia"),
            (#"{"samia":{"ngram":9}}"#, "samia"),
            (#"{"samia":{"top_k":0}}"#, "samia"),
            (#"{"samia":{"temperature":0}}"#, "samia"),
            (#"{"samia":{"zip":true}}"#, "samia.zip"),
            (#"{"policy":{"minimum_control_auc":7}}"#, "policy.minimum_control_auc"),
            (#"{"false_positive_rates":[1.5]}"#, "false_positive_rates"),
            (#"{"false_positive_rates":[0.05]}"#, "policy.true_positive_rate_level"),
            (#"{"permutations":1}"#, "permutations"),
            (#"{"bootstrap_replicates":3}"#, "bootstrap_replicates"),
            (#"{"blind":{"folds":1}}"#, "blind"),
            (#"{"policy":{"significance":2}}"#, "policy.significance"),
            (#"{"policy":{"minimum_coins_per_side":1}}"#, "policy.minimum_coins_per_side"),
        ]
    )
    func mistakes(json: String, key: String) {
        let error = #expect(throws: AuditError.self) { try decode(json) }
        guard case .invalidSuite(let found, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(found == key)
    }

    @Test("The nearest setting is named, unless there is none near")
    func nearestSetting() {
        for (json, hint) in [
            (#"{"mink_fracton":0.2}"#, "did you mean mink_fraction?"),
            (#"{"policy":{"significants":0.1}}"#, "did you mean significance?"),
        ] {
            let error = #expect(throws: AuditError.self) { try decode(json) }
            #expect("\(error.map { "\($0)" } ?? "")".contains(hint))
        }
        let error = #expect(throws: AuditError.self) { try decode(#"{"zzzzzzzzzzzz":1}"#) }
        #expect("\(error.map { "\($0)" } ?? "did you mean")".contains("did you mean") == false)
    }

    @Test("An unknown attack is named")
    func unknownAttack() {
        #expect(throws: AuditError.unknownAttack(name: "LIRO", known: AttackRegistry.names)) {
            try decode(#"{"attacks":["LIRO"]}"#)
        }
    }
}
