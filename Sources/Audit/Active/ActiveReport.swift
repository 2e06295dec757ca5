import Foundation
import ReportPages

/// What a coordinator learned that lied about the adapter, on a fork of the run. It stands beside the run's own figures and not
/// among them: nobody who took part in the run sent or saw any of it.
public struct ActiveReport: Codable, Sendable, Equatable {
    /// How it lied.
    public var settings: AttackSuite.Active
    /// Targets that the data holders train on.
    public var members: Int
    /// Targets that were held out.
    public var heldOut: Int
    /// ``ActiveEvidence/isMasked``.
    public var isMasked: Bool
    /// ``ActiveEvidence/isAlwaysRefused``.
    public var isAlwaysRefused: Bool
    /// Floating-point operations of the data holders' training in the fork.
    public var trainingOperations: Double
    /// One entry a vantage point of the coordinator.
    public var views: [View]

    /// One vantage point.
    public struct View: Codable, Sendable, Equatable {
        /// From where.
        public var vantage: VantagePoint
        /// The active attacks.
        public var attacks: [AuditReport.AttackResult]
        /// How the members' perplexity went.
        public var memberCourse: Course
        /// How that of the held-out targets went.
        public var heldOutCourse: Course

        /// The attack with the smallest adjusted p-value, the larger AUC deciding between equals.
        public var strongest: AuditReport.AttackResult? {
            attacks.min { ($0.adjustedPValue, -$0.auc) < ($1.adjustedPValue, -$1.auc) }
        }
    }

    /// exp of the mean over targets and rounds of −LL.
    public struct Course: Codable, Sendable, Equatable {
        /// Under the adapter that an honest coordinator would have sent.
        public var honest: Double
        /// Under the one that was sent.
        public var sent: Double
        /// After the data holders trained on that.
        public var trained: Double

        init(_ targets: some Collection<[RoundEvidence]>) {
            let rounds = targets.flatMap(\.self)
            func perplexity(_ likelihood: (RoundEvidence) -> Double) -> Double {
                // A lie may drive a likelihood beyond what exp can hold, and a report must be JSON.
                min(exp(-rounds.reduce(0) { $0 + likelihood($1) } / Double(max(1, rounds.count))), 1e300)
            }
            honest = perplexity { $0.honest ?? $0.before }
            sent = perplexity { $0.before }
            trained = perplexity { $0.after }
        }
    }
}

extension Verdict {
    /// One sentence a run that was forked: what the verdict leaves out.
    static func activeRemarks(_ runs: [AuditReport.RunReport]) -> [String] {
        runs.compactMap { run in
            guard let active = run.active,
                // Of masked updates nobody has the view on single ones.
                let (view, attack) = active.views.filter({ !active.isMasked || $0.vantage == .aggregate })
                    .compactMap({ view in view.strongest.map { (view, $0) } })
                    .min(by: { ($0.1.adjustedPValue, -$0.1.auc) < ($1.1.adjustedPValue, -$1.1.auc) })
            else { return nil }
            let finding =
                attack.adjustedPValue < 0.05
                ? "reaches AUC \(Figure.auc(attack)) by \(attack.attack), \(view.vantage.rawValue), "
                    + "p = \(Figure.pValue(attack.adjustedPValue))"
                : "finds nothing at this power (\(attack.attack), \(view.vantage.rawValue), p = \(Figure.pValue(attack.adjustedPValue)))"
            return
                "Beyond this verdict, \(run.name) under an active adversary (a fork, not the run): a coordinator that lies about "
                + "the adapter \(finding)"
                + (active.isAlwaysRefused || active.settings.rounds == 1
                    ? "; data holders of a federation would have refused the lie." : ".")
        }
    }
}
