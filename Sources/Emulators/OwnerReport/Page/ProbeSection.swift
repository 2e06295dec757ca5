import ReportPages
import Training

/// The probe task: five losses as points over seeds, and what follows from them.
struct ProbeSection {
    let probe: ProbeReport

    private struct Row {
        var name: String
        var mean: Double
        var values: [Double]
        /// Standard error over records.
        var error: Double
    }

    private var rows: [Row] {
        func tuned(_ name: String, _ spread: SeedSpread, _ error: Double) -> Row {
            Row(name: name, mean: spread.mean, values: spread.values, error: error)
        }
        return [
            Row(
                name: "emulator, as it ships",
                mean: probe.emulatorZeroShot.loss,
                values: [],
                error: probe.emulatorZeroShot.lossError
            ),
            tuned("emulator, tuned", probe.emulatorTuned, probe.runs[0].emulatorTuned.lossError),
            Row(
                name: "full model, untuned",
                mean: probe.fullZeroShot.loss,
                values: [],
                error: probe.fullZeroShot.lossError
            ),
            tuned("full model, plugged in", probe.pluggedIn, probe.runs[0].pluggedIn.lossError),
            tuned("full model, tuned itself", probe.fullTuned, probe.runs[0].fullTuned.lossError),
        ]
    }

    var markup: Markup {
        if probe.runs.isEmpty { return "" }
        let table = rows.map { row -> Markup in
            """
            <tr><td>\(row.name)</td><td class="n">\(Figure.decimal(row.mean, 4))</td>\
            <td class="n">\(Figure.decimal(row.error, 4))</td>\
            <td class="n">\(row.values.map { Figure.decimal($0, 4) }.joined(separator: ", "))</td></tr>
            """
        }
        return """
            <h2>What tuning on it brings</h2>
            <p>The adapter was tuned on \(Figure.count(probe.trainingRecords)) records for \(probe.configuration.steps) steps,
            under \(probe.runs.count) data order\(probe.runs.count == 1 ? "" : "s"). Losses are mean nats an answer token on
            \(Figure.count(probe.fullZeroShot.records)) held-out records; less is better.</p>
            <dl class="cards">
            \(cards.map { "<div><dt>\($0.0)</dt><dd>\($0.1)</dd></div>" as Markup })
            </dl>
            <figure>\(plot)<figcaption>The mean over data orders with its 95 % interval over records; small dots are single data
            orders. The full model with the plugged-in adapter should lie left of all but the last.</figcaption></figure>
            <div class="scroll"><table>
            <tr><th>model</th><th class="n">loss</th><th class="n">standard error over records</th><th class="n">by data order</th></tr>
            \(table)
            </table></div>
            <p class="quiet">Transfer is (untuned − plugged in) / (untuned − tuned itself), all of the full model. The plug-in gap is plugged in
            − tuned itself; the IP gap is the tuned emulator − plugged in, what the data holder lacks; the capability excess is
            untuned full model − tuned emulator, what the data holder has gained over the owner's model.</p>
            """
    }

    private var cards: [(String, String)] {
        func text(_ spread: SeedSpread, _ figure: (Double) -> String) -> String {
            probe.runs.count < 2 ? figure(spread.mean) : "\(figure(spread.mean)) ± \(figure(spread.deviation))"
        }
        return [
            ("transfer", text(probe.transfer) { Figure.percent($0) }),
            ("plug-in gap, nats", text(probe.pluginGap) { Figure.decimal($0, 3) }),
            ("IP gap, nats", text(probe.ipGap) { Figure.decimal($0, 3) }),
            ("capability excess, nats", text(probe.capabilityExcess) { Figure.decimal($0, 3) }),
        ]
    }

    private var plot: Markup {
        let rows = rows
        let step = 40.0
        let (left, top, width) = (176.0, 8.0, 820.0)
        let height = top + step * Double(rows.count) + 46
        let ends = rows.flatMap { [$0.mean - 1.96 * $0.error, $0.mean + 1.96 * $0.error] + $0.values }
        let frame = PlotFrame(
            width: width,
            height: height,
            left: left,
            top: top,
            x: .around("nats an answer token", ends, intervals: 9),
            y: PlotFrame.Axis(title: "", lower: 0, upper: 1, ticks: [])
        )
        let marks = rows.enumerated().map { index, row -> Markup in
            let y = top + step * (Double(index) + 0.5)
            let color = index < 2 ? 1 : 0
            let seeds = row.values.map {
                "<circle class=\"dot c\(color) faint\" cx=\"\(frame.x($0))\" cy=\"\(y + 10)\" r=\"2.5\"/>" as Markup
            }
            return """
                <text text-anchor="end" x="\(left - 10)" y="\(y + 4)">\(row.name)</text>
                <path class="whisker c\(color)" d="M\(frame.x(row.mean - 1.96 * row.error)) \(y)H\(frame.x(row.mean + 1.96 * row.error))"/>
                <circle class="dot c\(color)" cx="\(frame.x(row.mean))" cy="\(y)" r="5"/>
                \(seeds)
                """
        }
        let reference = frame.x(probe.fullZeroShot.loss)
        return frame.svg(
            label: "Losses on the probe task",
            ["<path class=\"chance\" d=\"M\(reference) \(top)V\(height - 46)\"/>"] + marks
        )
    }
}
