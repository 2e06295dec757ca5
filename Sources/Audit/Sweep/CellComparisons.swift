/// Cells of a sweep in pairs that differ in one thing: each ratio against the largest, LoRA against whole blocks, an adapter at
/// one end against both, and always of one seed. All cells share records and coins, so that the pairs do.
enum CellComparisons {
    /// The pairs of which both cells kept ranks of the same records, by one attack a vantage point: of those that all
    /// these cells kept, the one with the largest AUC in any. p-values are not adjusted yet.
    ///
    /// - Throws: `AuditError.invalidSweep` for ranks that are damaged, or give another AUC than their cell states.
    static func of(_ runs: [AuditReport.RunReport]) throws -> [AuditReport.RunComparison] {
        try VantagePoint.allCases.flatMap { vantage -> [AuditReport.RunComparison] in
            let cells = runs.compactMap { Cell($0, at: vantage) }
            let kept = cells.map { Set($0.ranks.attacks.map(\.attack)) }
            let common = kept.dropFirst().reduce(kept.first ?? []) { $0.intersection($1) }
            let results = cells.flatMap(\.view.attacks).filter { common.contains($0.attack) }
            guard let attack = results.max(by: { ($0.auc, $1.attack) < ($1.auc, $0.attack) })?.attack else { return [] }
            let samples = try cells.map { try $0.sample(of: attack) }
            return try cells.indices.flatMap { index -> [AuditReport.RunComparison] in
                try baselines(of: cells[index].cell, among: cells.map(\.cell)).compactMap {
                    other -> AuditReport.RunComparison? in
                    guard cells[index].ranks.records == cells[other].ranks.records else { return nil }
                    let difference = AuditReport.Difference(try PairedDeLong(samples[index], samples[other]))
                    return AuditReport.RunComparison(
                        vantage: vantage,
                        attack: attack,
                        first: cells[index].name,
                        second: cells[other].name,
                        difference: difference,
                        adjustedPValue: difference.pValue
                    )
                }
            }
        }
    }

    /// Positions of the cells that a cell is compared with.
    private static func baselines(of cell: SweepCell, among cells: [SweepCell]) -> [Int] {
        func position(_ change: (inout SweepCell) -> Void) -> Int? {
            var other = cell
            change(&other)
            return other == cell ? nil : cells.firstIndex(of: other)
        }
        let alike = cells.filter {
            ($0.method, $0.placement.rawValue, $0.seed) == (cell.method, cell.placement.rawValue, cell.seed)
        }
        let largest = alike.map(\.ratio).max() ?? cell.ratio
        return [
            position { $0.ratio = largest }, position { $0.method = "blocks" }, position { $0.placement = .both },
        ].compactMap { $0 }
    }

    /// A cell that kept ranks.
    private struct Cell {
        let cell: SweepCell
        let name: String
        let view: AuditReport.VantageReport
        let ranks: RankedScores

        init?(_ run: AuditReport.RunReport, at vantage: VantagePoint) {
            guard let cell = run.facts.sweep, let view = run.vantages.first(where: { $0.vantage == vantage }),
                let ranks = view.ranks
            else { return nil }
            self.cell = cell
            name = run.name
            self.view = view
            self.ranks = ranks
        }

        func sample(of attack: String) throws -> LabelledScores {
            func damaged(_ reason: String) -> AuditError {
                .invalidSweep(reason: "the ranks of \(attack) at \(view.vantage.rawValue) in \(name) \(reason)")
            }
            let read: LabelledScores?
            do { read = try ranks.sample(of: attack) } catch { throw damaged("are damaged") }
            guard let read, let stated = view.attacks.first(where: { $0.attack == attack }),
                abs(AUC.value(of: read) - stated.auc) < 1e-9
            else { throw damaged("give another AUC than the cell states") }
            return read
        }
    }
}
