import ArgumentParser

/// `fsot audit`: plan before training, measure after it.
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Measure what leaked, to whom: plan before training, run after it.",
        subcommands: [
            AuditPlanCommand.self, AuditRunCommand.self, AuditRenderCommand.self, AuditVerifyCommand.self,
            AuditScoreCommand.self, AuditQueryCommand.self, AuditAnswerCommand.self, AuditMergeCommand.self,
            AuditShadowsCommand.self, AuditControlCommand.self, AuditSweepCommand.self, AuditOwnerCommand.self,
            AuditMetricsCommand.self, AuditEpsilonCommand.self,
        ]
    )
}
