import Training

extension DrawnPlan {
    /// The plans of several data holders, each drawn alone, as one: for a simulation, which holds them all.
    ///
    /// Coins stay apart: no holder saw the others' records when it drew. The joined plan has no salt and is never written.
    ///
    /// - Throws: `AuditError.duplicateHolder`, `.nothingToAudit`.
    public static func joining(_ plans: [DrawnPlan]) throws -> DrawnPlan {
        guard var plan = plans.first?.plan else { throw AuditError.nothingToAudit }
        if plans.count == 1 { return plans[0] }
        for other in plans.dropFirst().map(\.plan) {
            let (holders, coins) = (plan.holders.count, plan.coinCount)
            plan.records += other.records.map { entry in
                var entry = entry
                entry.holder += holders
                entry.coin += coins
                return entry
            }
            plan.holders += other.holders
            plan.coinCount += other.coinCount
            plan.duplicateCount += other.duplicateCount
        }
        plan.salt = ""
        plan.isRecordLevel = plans.allSatisfy { $0.plan.isRecordLevel ?? true }
        var names: Set<String> = []
        if let twice = plan.holders.first(where: { !names.insert($0.name).inserted }) {
            throw AuditError.duplicateHolder(name: twice.name)
        }
        return DrawnPlan(plan: plan, lines: plans.flatMap(\.lines), records: plans.flatMap(\.records))
    }

    /// Records that are held out in one place and trained on in another: "held-out" records that the model has seen. One plan
    /// never has any; holders who draw alone cannot know. Canaries are nobody's records.
    public var contradictions: Int {
        var sides: [String: Set<Bool>] = [:]
        func content(_ index: Int) -> String { records[index].fullText + "\u{1f}" + records[index].answer }
        let own = plan.records.indices.filter { plan.records[$0].canary == nil }
        for (index, entry) in own.map({ ($0, plan.records[$0]) }) {
            sides[content(index), default: []].insert(entry.isIncluded)
        }
        return own.count {
            !plan.records[$0].isIncluded && sides[content($0)]?.contains(true) == true
        }
    }
}
