import Audit
import Testing

@Suite struct FailureConditionTests {
    private func report() throws -> AuditReport {
        var suite = AttackSuite()
        suite.attacks = ["LOSS", "RATIO"]
        suite.permutations = 200
        suite.bootstrapReplicates = 100
        return try Audit.run(inputs: [SyntheticRun(leak: 0.7).input()], suite: suite).report
    }

    @Test func limitsAreHeldToEveryAttack() throws {
        let report = try report()
        let peer = try #require(report.runs[0].vantages.first { $0.vantage == .peer })
        let ratio = try #require(peer.attacks.first { $0.attack == "RATIO" })
        let below = try FailureCondition.parse("auc>\(ratio.auc - 0.001), tpr@1%>0")
        #expect(below.count == 2)
        #expect(below[0].violations(in: report).contains { $0.contains("peer: RATIO") })
        #expect(!below[1].violations(in: report).isEmpty)
        #expect(
            try FailureCondition("auc>\(ratio.auc)").violations(in: report).allSatisfy { !$0.contains("peer: RATIO") }
        )
        #expect(try FailureCondition("TPR@0.01 > 1").violations(in: report).isEmpty)
        #expect(try FailureCondition("tpr@2%>0").isMeasured(by: report.suite) == false)
    }

    @Test(arguments: [
        "", "auc", "auc>", "auc>2", "auc<0.5", "tpr@>0.1", "tpr@0%>0.1", "tpr@200%>0.1", "f1>0.5", "auc>nan",
    ])
    func nonsenseIsNamed(_ text: String) {
        #expect(throws: AuditError.invalidCondition(text: text)) { try FailureCondition(text) }
    }

    /// A pipeline whose variable is empty has lost its limits, and must hear of it.
    @Test(arguments: ["", " ", ",", "auc>0.6,", "auc>0.6,,tpr@1%>0.05"])
    func aConditionThatIsNotThereIsNoCondition(_ text: String) {
        #expect(throws: AuditError.invalidCondition(text: "")) { try FailureCondition.parse(text) }
    }

    @Test func theNearestAttackIsNamed() {
        let error = #expect(throws: AuditError.self) {
            _ = try AttackRegistry.attack(named: "RATOI", suite: AttackSuite())
        }
        #expect("\(error.map { "\($0)" } ?? "")".contains("did you mean RATIO?"))
    }

    /// A view that nobody had is no reason to stop a pipeline, and an attack without its evidence is named.
    @Test func whatNobodySawIsNoViolation() throws {
        var report = try report()
        report.runs[0].facts.twins = [.peer]
        let condition = try FailureCondition("auc>0")
        #expect(condition.violations(in: report).allSatisfy { !$0.contains(", peer: ") })
        #expect(condition.violations(in: report).contains { $0.contains(", owner: ") })
        var suite = AttackSuite()
        suite.attacks = ["LOSS", "RECALL", "SPAN"]
        suite.permutations = 200
        suite.bootstrapReplicates = 100
        let audited = try Audit.run(inputs: [SyntheticRun(leak: 0.1).input()], suite: suite).report
        #expect(audited.notTested.contains { $0.hasPrefix("RECALL") && $0.contains("--population") })
        #expect(audited.notTested.contains { $0.hasPrefix("SPAN") && $0.contains("--observe") })
        #expect(!audited.notTested.contains { $0.hasPrefix("LOSS") })
    }

}
