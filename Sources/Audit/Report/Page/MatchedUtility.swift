import ReportPages

/// Leakage against what the tuning was worth: a model that learned less leaks less, so only runs of like utility compare.
struct MatchedUtility {
    /// Perplexities that differ by less than this share count as alike.
    private static let tolerance = 0.03

    private struct Point {
        var name: String
        var adapter: String
        var ratio: Double
        var perplexity: Double
        var result: AuditReport.AttackResult
    }

    private let vantages: [(vantage: VantagePoint, points: [Point])]
    private let adapters: [String]

    /// Nil unless several cells of a sweep are there.
    init?(_ report: AuditReport) {
        let runs = report.runs.filter { $0.facts.sweep != nil }
        if runs.count < 2 { return nil }
        func points(_ vantage: VantagePoint) -> [Point] {
            runs.compactMap { run in
                guard let cell = run.facts.sweep, let view = run.vantages.first(where: { $0.vantage == vantage }),
                    let best = view.attacks.max(by: { $0.auc < $1.auc })
                else { return nil }
                return Point(
                    name: run.name,
                    adapter: "\(cell.method), \(cell.placement.rawValue)",
                    ratio: cell.ratio,
                    perplexity: view.fit.heldOutPerplexityAfter,
                    result: best
                )
            }
        }
        // The coordinator's view has no model of its own to be useful.
        let shown: [VantagePoint] = [.peer, .owner, .recipient]
        vantages = shown.map { ($0, points($0)) }.filter { $0.points.count > 1 }
        if vantages.isEmpty { return nil }
        var seen: Set<String> = []
        adapters = vantages.flatMap(\.points).map(\.adapter).filter { seen.insert($0).inserted }
    }

    var markup: Markup {
        let keys = adapters.enumerated().map { color, name -> Markup in
            "<li><svg class=\"key\" viewBox=\"0 0 22 8\"><circle class=\"dot c\(color % 8)\" cx=\"11\" cy=\"4\" r=\"3.5\"/></svg>\(name)</li>"
        }
        return """
            <h2>Leakage at like utility</h2>
            <p>Each point is a run: to the left the tuned model is better, upwards it gives away more. The best run lies at the \
            lower left.</p>
            <div class="pair">
            \(vantages.map(figure))
            </div>
            <ul class="legend">\(keys)</ul>
            \(matched)
            """
    }

    private func figure(_ entry: (vantage: VantagePoint, points: [Point])) -> Markup {
        let ends = entry.points.flatMap { [$0.result.aucInterval.lower, $0.result.aucInterval.upper] }
        let perplexities = entry.points.map(\.perplexity)
        let title = "perplexity on held-out records, tuned"
        let isWide = (perplexities.max() ?? 1) > 4 * (perplexities.min() ?? 1)
        let frame = PlotFrame(
            width: 460,
            height: 330,
            x: isWide ? .logarithmic(title, around: perplexities) : .around(title, perplexities),
            y: .around("largest AUC", ends + [0.5])
        )
        var content: [Markup] = [
            "<path class=\"chance\" d=\"M\(frame.left) \(frame.y(0.5))H\(frame.width - frame.right)\"/>"
        ]
        for point in entry.points {
            let color = (adapters.firstIndex(of: point.adapter) ?? 0) % 8
            content.append(
                frame.whisker(
                    x: point.perplexity,
                    y: point.result.auc,
                    interval: point.result.aucInterval,
                    color: color
                )
            )
            content.append(
                "<text x=\"\(frame.x(point.perplexity) + 8)\" y=\"\(frame.y(point.result.auc) - 6)\">\(Figure.percent(point.ratio))</text>"
            )
        }
        return """
            <figure>\(frame.svg(label: "Leakage against utility, \(entry.vantage.rawValue)", content))\
            <figcaption><b>\(entry.vantage.rawValue)</b>; beside each point the share of the middle that is shipped. Intervals \
            are 95 %.</figcaption></figure>
            """
    }

    /// Pairs of different ratios whose perplexities are alike.
    private var matched: Markup {
        let rows = vantages.flatMap { vantage, points in
            points.indices.flatMap { first in
                points[(first + 1)...].compactMap { other -> Markup? in
                    let one = points[first]
                    let share = abs(one.perplexity / other.perplexity - 1)
                    guard one.ratio != other.ratio, share < Self.tolerance else { return nil }
                    return """
                        <tr><td>\(vantage.rawValue)</td><td>\(one.name)</td><td>\(other.name)</td>\
                        <td class="n">\(Figure.decimal(one.perplexity, 2)), \(Figure.decimal(other.perplexity, 2))</td>\
                        <td class="n">\(Figure.decimal(one.result.auc, 3)), \(Figure.decimal(other.result.auc, 3))</td>\
                        <td class="n">\(Figure.signed(one.result.auc - other.result.auc, 3))</td></tr>
                        """
                }
            }
        }
        if rows.isEmpty {
            return
                "<p class=\"quiet\">No two runs of different ratios have held-out perplexities within \(Figure.percent(Self.tolerance)) of each other.</p>"
        }
        return """
            <h4>Runs of different ratios within \(Figure.percent(Self.tolerance)) of each other's perplexity</h4>
            <div class="scroll"><table>
            <tr><th>seen by</th><th>run</th><th>run</th><th class="n">perplexities</th><th class="n">largest AUC</th>\
            <th class="n">difference</th></tr>
            \(rows)
            </table></div>
            """
    }
}
