/// HTML and SVG text in which everything interpolated is escaped unless it is markup itself.
///
/// Run names, record ids and file names come from outside; with this type, forgetting to escape them is not possible.
package struct Markup: ExpressibleByStringInterpolation, Sendable {
    /// The text as it stands in the file.
    package private(set) var html: String

    /// Text of our own, written in the source code.
    package init(stringLiteral value: String) { html = value }

    package init(stringInterpolation: StringInterpolation) { html = stringInterpolation.html }

    /// Joins pieces, one a line.
    package init(_ pieces: [Markup]) { html = pieces.map(\.html).joined(separator: "\n") }

    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var html = ""

        package init(literalCapacity: Int, interpolationCount: Int) { html.reserveCapacity(literalCapacity) }

        package mutating func appendLiteral(_ literal: String) { html += literal }
        package mutating func appendInterpolation(_ text: String) { html += Markup.escape(text) }
        package mutating func appendInterpolation(_ markup: Markup) { html += markup.html }
        package mutating func appendInterpolation(_ pieces: [Markup]) { html += Markup(pieces).html }
        package mutating func appendInterpolation(_ number: Int) { html += String(number) }
        /// A coordinate: two decimals are finer than any screen or printer shows.
        package mutating func appendInterpolation(_ coordinate: Double) { html += Markup.coordinate(coordinate) }
    }

    private static func coordinate(_ value: Double) -> String {
        // A damaged report may hold any number; a drawing only needs those near the page.
        let hundredths = Int((min(1e6, max(-1e6, value.isNaN ? 0 : value)) * 100).rounded())
        let digits = String(hundredths.magnitude % 100)
        let fraction = digits.count < 2 ? "0" + digits : digits
        let sign = hundredths < 0 ? "-" : ""
        return hundredths % 100 == 0
            ? "\(sign)\(hundredths.magnitude / 100)" : "\(sign)\(hundredths.magnitude / 100).\(fraction)"
    }

    private static func escape(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            // Other control characters are not allowed in HTML at all.
            case _ where scalar.value < 0x20 && scalar != "\n" && scalar != "\t": escaped += "\u{fffd}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
