extension JSONValue {
    /// One line, keys sorted by their bytes, no spaces: equal values give equal bytes.
    ///
    /// Numbers with a fraction print in the shortest form that reads back to the same bits; JSON has no infinity and no
    /// NaN, so those print as `null`.
    public var canonicalText: String {
        var text = ""
        write(to: &text, indentation: nil)
        return text
    }

    /// Indented by two spaces, keys sorted, a line feed at the end: for files that people read.
    public var prettyText: String {
        var text = ""
        write(to: &text, indentation: 0)
        return text + "\n"
    }

    private func write(to text: inout String, indentation: Int?) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .int(let value): text += String(value)
        case .double(let value): text += value.isFinite ? value.description : "null"
        case .string(let value): Self.write(value, to: &text)
        case .array(let elements):
            Self.write(elements, brackets: ("[", "]"), to: &text, indentation: indentation) { element, text, inner in
                element.write(to: &text, indentation: inner)
            }
        case .object(let entries):
            Self.write(entries.sorted, brackets: ("{", "}"), to: &text, indentation: indentation) {
                entry,
                text,
                inner in
                Self.write(entry.key, to: &text)
                text += inner == nil ? ":" : ": "
                entry.value.write(to: &text, indentation: inner)
            }
        }
    }

    private static func write<Element>(
        _ elements: [Element],
        brackets: (String, String),
        to text: inout String,
        indentation: Int?,
        element: (Element, inout String, Int?) -> Void
    ) {
        if elements.isEmpty {
            text += brackets.0 + brackets.1
            return
        }
        let inner = indentation.map { $0 + 2 }
        text += brackets.0
        for (index, member) in elements.enumerated() {
            if index > 0 { text += "," }
            if let inner { text += "\n" + String(repeating: " ", count: inner) }
            element(member, &text, inner)
        }
        if let indentation { text += "\n" + String(repeating: " ", count: indentation) }
        text += brackets.1
    }

    private static func write(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..<"\u{20}":
                let code = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - code.count) + code
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
