import Foundation

/// How numbers look in verdicts and reports: the same on every machine, whatever its locale.
package enum Figure {
    /// With so many places; a dash for what is not a number.
    package static func decimal(_ value: Double, _ places: Int) -> String {
        guard value.isFinite else { return value.isNaN ? "–" : (value > 0 ? "∞" : "−∞") }
        let text = String(format: "%.\(places)f", value)
        // A rounded-away minus would read as a sign.
        return text.replacingOccurrences(of: "-", with: isZero(text) ? "" : "−")
    }

    /// The same with its sign.
    package static func signed(_ value: Double, _ places: Int) -> String {
        let text = decimal(value, places)
        return value > 0 && !isZero(text) ? "+" + text : text
    }

    /// "54.3 %".
    package static func percent(_ share: Double) -> String {
        let value = share * 100
        return trimmed(decimal(value, abs(value) < 1 ? 2 : 1)) + "\u{a0}%"
    }

    /// "−54.3 %", "+2 %".
    package static func signedPercent(_ share: Double) -> String {
        let text = percent(share)
        return share > 0 && !isZero(text) ? "+" + text : text
    }

    /// About three significant digits, for values such as perplexities.
    package static func measure(_ value: Double) -> String {
        decimal(value, abs(value) < 10 ? 2 : (abs(value) < 1000 ? 1 : 0))
    }

    /// As many places as a p-value deserves.
    package static func pValue(_ value: Double) -> String {
        if value < 0.0001 { return "<0.0001" }
        return decimal(value, value < 0.01 ? 4 : (value < 0.1 ? 3 : 2))
    }

    /// "0.650 to 0.769".
    package static func interval(from lower: Double, to upper: Double, _ places: Int) -> String {
        "\(decimal(lower, places)) to \(decimal(upper, places))"
    }

    /// Thin spaces between groups of three digits.
    package static func count(_ value: Int) -> String {
        var digits = String(value.magnitude)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return (value < 0 ? "−" : "") + ([digits] + groups).joined(separator: "\u{202f}")
    }

    /// "1.5 MB", in powers of 1000 as file managers show them.
    package static func bytes(_ value: Int) -> String {
        let units = ["bytes", "kB", "MB", "GB", "TB"]
        var scaled = Double(value)
        var unit = 0
        while abs(scaled) >= 1000, unit < units.count - 1 {
            scaled /= 1000
            unit += 1
        }
        return unit == 0 ? "\(count(value)) bytes" : "\(decimal(scaled, scaled < 10 ? 2 : 1)) \(units[unit])"
    }

    /// An axis label: as few digits as tell it apart.
    package static func tick(_ value: Double) -> String {
        if value == 0 { return "0" }
        let magnitude = abs(value)
        if magnitude < 0.0001 || magnitude >= 1e6 {
            return String(format: "%.0e", value).replacingOccurrences(of: "-", with: "−")
        }
        return trimmed(decimal(value, magnitude < 0.1 ? 4 : (magnitude < 100 ? 2 : 0)))
    }

    private static func isZero(_ text: String) -> Bool { !text.contains { $0 >= "1" && $0 <= "9" } }

    private static func trimmed(_ text: String) -> String {
        guard text.contains(".") else { return text }
        var text = text
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }
}
