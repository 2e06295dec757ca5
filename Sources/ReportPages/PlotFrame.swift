import Foundation

/// A drawing area with two axes: maps values to SVG coordinates and draws grid, ticks and axis titles.
package struct PlotFrame {
    /// How an axis runs.
    package struct Axis {
        package var title: String
        package var lower: Double
        package var upper: Double
        package var isLogarithmic = false
        package var ticks: [Double]
        package var label: @Sendable (Double) -> String = Figure.tick

        /// An axis from `lower` to `upper`.
        package init(
            title: String,
            lower: Double,
            upper: Double,
            isLogarithmic: Bool = false,
            ticks: [Double],
            label: @escaping @Sendable (Double) -> String = Figure.tick
        ) {
            self.title = title
            self.lower = lower
            self.upper = upper
            self.isLogarithmic = isLogarithmic
            self.ticks = ticks
            self.label = label
        }

        package func position(_ value: Double) -> Double {
            if isLogarithmic {
                let clamped = max(value, lower)
                return (log10(clamped) - log10(lower)) / (log10(upper) - log10(lower))
            }
            return (value - lower) / (upper - lower)
        }

        /// Decades from `lower` to 1, for rates.
        package static func decades(_ title: String, from lower: Double) -> Axis {
            var ticks: [Double] = []
            var tick = lower
            while tick < 1.5 {
                ticks.append(tick)
                tick *= 10
            }
            return Axis(
                title: title,
                lower: lower,
                upper: 1,
                isLogarithmic: true,
                ticks: ticks,
                label: { Figure.percent($0) }
            )
        }

        /// A logarithmic axis around positive `values`, with ticks at 1, 2 and 5 of each decade, or at 1 alone where there are many.
        package static func logarithmic(_ title: String, around values: [Double]) -> Axis {
            // A damaged report may hold any number.
            let low = min(1e300, max(1e-300, values.min() ?? 1)) / 1.3
            let high = min(1e300, max(1e-300, values.max() ?? 1)) * 1.3
            let decades = Int(floor(log10(low)))...Int(ceil(log10(high)))
            let steps: [Double] = log10(high / low) > 2.5 ? [1] : [1, 2, 5]
            let ticks = decades.flatMap { decade in steps.map { $0 * pow(10, Double(decade)) } }
            return Axis(
                title: title,
                lower: low,
                upper: high,
                isLogarithmic: true,
                ticks: ticks.filter { $0 >= low && $0 <= high },
                label: { (1e4..<1e6).contains($0) ? Figure.tick($0 / 1000) + "k" : Figure.tick($0) }
            )
        }

        /// A linear axis with round ticks around all `values`, at most about `intervals` of them.
        package static func around(
            _ title: String,
            _ values: [Double],
            padding: Double = 0.08,
            intervals: Double = 7
        ) -> Axis {
            var low = values.min() ?? 0
            var high = values.max() ?? 1
            if high <= low {
                low -= abs(low) * 0.1 + 0.5
                high += abs(high) * 0.1 + 0.5
            }
            let span = high - low
            low -= span * padding
            high += span * padding
            let raw = (high - low) / intervals
            let magnitude = pow(10, floor(log10(raw)))
            let step = [1, 2, 2.5, 5, 10].map { $0 * magnitude }.first { $0 >= raw } ?? raw
            let first = (low / step).rounded(.up)
            let count = (high / step).rounded(.down) - first
            let ticks = count >= 0 && count < 12 ? (0...Int(count)).map { (first + Double($0)) * step } : []
            // Ticks of one axis share their decimals: 0.020 stands beside 0.025.
            let decimals = (0...6).first {
                abs((step * pow(10, Double($0))).rounded() - step * pow(10, Double($0))) < 1e-6
            }
            return Axis(
                title: title,
                lower: low,
                upper: high,
                ticks: ticks,
                label: { abs($0) < 1e6 ? Figure.decimal($0, decimals ?? 6) : Figure.tick($0) }
            )
        }
    }

    package var width: Double
    package var height: Double
    package var left = 56.0
    package var right = 14.0
    package var top = 12.0
    package var bottom = 46.0
    package var x: Axis
    package var y: Axis

    /// A frame of so many SVG units.
    package init(
        width: Double,
        height: Double,
        left: Double = 56,
        right: Double = 14,
        top: Double = 12,
        bottom: Double = 46,
        x: Axis,
        y: Axis
    ) {
        self.width = width
        self.height = height
        self.left = left
        self.right = right
        self.top = top
        self.bottom = bottom
        self.x = x
        self.y = y
    }

    package func x(_ value: Double) -> Double { left + x.position(value) * (width - left - right) }
    package func y(_ value: Double) -> Double { height - bottom - y.position(value) * (height - top - bottom) }

    /// Grid, ticks and titles; draw the data after it.
    package var axes: Markup {
        let floor = height - bottom
        var pieces: [Markup] = []
        for tick in y.ticks {
            pieces.append(
                "<line class=\"grid\" x1=\"\(left)\" x2=\"\(width - right)\" y1=\"\(y(tick))\" y2=\"\(y(tick))\"/>"
            )
            pieces.append(
                "<text class=\"tick\" text-anchor=\"end\" x=\"\(left - 7)\" y=\"\(y(tick) + 4)\">\(y.label(tick))</text>"
            )
        }
        for tick in x.ticks {
            pieces.append("<line class=\"grid\" x1=\"\(x(tick))\" x2=\"\(x(tick))\" y1=\"\(top)\" y2=\"\(floor)\"/>")
            pieces.append(
                "<text class=\"tick\" text-anchor=\"middle\" x=\"\(x(tick))\" y=\"\(floor + 17)\">\(x.label(tick))</text>"
            )
        }
        pieces.append("<path class=\"axis\" d=\"M\(left) \(top)V\(floor)H\(width - right)\"/>")
        if !x.title.isEmpty {
            pieces.append(
                "<text class=\"title\" text-anchor=\"middle\" x=\"\((left + width - right) / 2)\" y=\"\(height - 8)\">\(x.title)</text>"
            )
        }
        if !y.title.isEmpty {
            let middle = (top + floor) / 2
            pieces.append(
                "<text class=\"title\" text-anchor=\"middle\" transform=\"translate(14 \(middle)) rotate(-90)\">\(y.title)</text>"
            )
        }
        return Markup(pieces)
    }

    /// The whole picture.
    package func svg(label: String, _ content: [Markup]) -> Markup {
        """
        <svg viewBox="0 0 \(width) \(height)" role="img" aria-label="\(label)">
        \(axes)
        \(content)
        </svg>
        """
    }

    /// A line through points.
    package func line(_ points: [(x: Double, y: Double)], color: Int, isStepped: Bool = false, isDashed: Bool = false)
        -> Markup
    {
        guard let first = points.first else { return "" }
        var path: [Markup] = ["M\(x(first.x)) \(y(first.y))"]
        for point in points.dropFirst() {
            path.append(isStepped ? "H\(x(point.x))V\(y(point.y))" : "L\(x(point.x)) \(y(point.y))")
        }
        let dashes: Markup = isDashed ? " dashed" : ""
        return "<path class=\"line c\(color)\(dashes)\" d=\"\(path)\"/>"
    }

    /// A dot with its interval as a whisker.
    package func whisker(
        x value: Double,
        y center: Double,
        from lower: Double,
        to upper: Double,
        color: Int,
        shift: Double = 0
    ) -> Markup {
        let position = x(value) + shift
        let low = y(lower)
        let high = y(upper)
        return """
            <path class="whisker c\(color)" d="M\(position) \(low)V\(high)M\(position - 4) \(low)h8M\(position - 4) \(high)h8"/>
            <circle class="dot c\(color)" cx="\(position)" cy="\(y(center))" r="4.5"/>
            """
    }
}
