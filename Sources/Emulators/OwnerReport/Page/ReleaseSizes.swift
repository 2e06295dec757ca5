import Foundation
import ReportPages

/// What was made, how much of the full model it is, and how well it imitates it.
struct ReleaseSizes {
    let report: ReleaseReport

    var markup: Markup {
        let release = report.release
        return """
            <h2>What ships</h2>
            <dl class="cards">
            \(cards.map { "<div><dt>\($0.0)</dt><dd>\($0.1)</dd></div>" as Markup })
            </dl>
            <div class="scroll"><table>
            \(details.map { "<tr><td>\($0.0)</td><td>\($0.1)</td></tr>" as Markup })
            </table></div>
            <p class="quiet">Quoting the kept share of the middle alone understates what leaves: embeddings, both ends, norm and head
            (\(Figure.count(release.shippedParameters - middleParameters)) parameters) ship as they are.</p>
            """
    }

    /// The thinned middle's size is its share of what the full model has beside everything else.
    private var middleParameters: Int {
        let release = report.release
        guard release.middleKept < 1 else { return 0 }
        let dropped = Double(release.fullParameters - release.shippedParameters)
        return Int((dropped / (1 - release.middleKept) * release.middleKept).rounded())
    }

    private var cards: [(String, String)] {
        let release = report.release
        var cards = [
            ("shipped / full parameters", Figure.percent(release.compressionRatio)),
            ("of the middle's parameters", Figure.percent(release.middleKept)),
            ("bit for bit the full model's", Figure.percent(release.verbatimShare)),
            ("full model, parameters", Figure.count(release.fullParameters)),
            ("emulator, parameters", Figure.count(release.shippedParameters)),
            ("adapter, parameters", Figure.count(release.adapterParameters)),
        ]
        if let bytes = report.wireBytes { cards.append(("emulator's weights as written", Figure.bytes(bytes))) }
        if let full = release.fullLoss, let emulator = release.emulatorLoss {
            cards.append(("perplexity, full model", Figure.measure(exp(full))))
            cards.append(("perplexity, emulator", Figure.measure(exp(emulator))))
        }
        if let middle = report.middle {
            cards.append(("error of the middle's output", Figure.decimal(middle.error, 3)))
            cards.append(("alignment (CKA) of it", Figure.decimal(middle.alignment, 3)))
        }
        if let exposure = report.exposure {
            cards.append(("releases so far", Figure.count(exposure.releases)))
            cards.append(("middle blocks behind them", "\(exposure.layers) of \(exposure.middleLayers)"))
            if let share = exposure.verbatimShare { cards.append(("bit for bit in them", Figure.percent(share))) }
        }
        return cards
    }

    private var details: [(String, String)] {
        let release = report.release
        let distillation = release.distillationReport
        let layers = release.sourceLayers.map(String.init).joined(separator: ", ")
        var rows = [
            ("kept layers of the full model (a secret)", layers.isEmpty ? "none" : layers),
            (
                "split",
                "\(release.bottom) + \(release.sourceLayers.count) + \(release.top), \(release.selection.rawValue)"
            ),
            (
                "distillation",
                distillation.tokens == 0
                    ? "none" : "\(Figure.count(distillation.tokens)) tokens of \(distillation.source)"
            ),
        ]
        for (name, forecast) in [
            ("gradient cosine before distilling", release.forecast),
            ("gradient cosine after distilling", release.distilledForecast),
        ] {
            guard let forecast else { continue }
            let ends = [("bottom", forecast.bottom), ("top", forecast.top)].compactMap { name, end in
                end.map { "\(name) \(Figure.decimal($0.cosine, 2)) (noise \(Figure.decimal($0.noise, 2)))" }
            }
            rows.append((name, ends.joined(separator: ", ")))
        }
        return rows
    }
}
