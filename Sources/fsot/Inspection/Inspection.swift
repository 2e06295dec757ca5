import Checkpoints
import Foundation

/// What `fsot inspect` found: what it is, and its figures in the order to show them.
struct Inspection {
    /// One figure: how people read it, and how machines do.
    struct Entry {
        let label: String
        let text: String
        let key: String
        let value: JSONValue
    }

    /// What it is: model, emulator, adapter, run, report, …
    let kind: String
    private(set) var entries: [Entry] = []

    init(_ kind: String) { self.kind = kind }

    mutating func add(_ label: String, _ text: String, key: String, _ value: JSONValue) {
        entries.append(Entry(label: label, text: text, key: key, value: value))
    }

    mutating func add(_ label: String, _ text: String, key: String) { add(label, text, key: key, .string(text)) }

    mutating func add(_ label: String, _ count: Int, key: String) { add(label, "\(count)", key: key, .int(count)) }

    /// Aligned lines; the kind comes first.
    var text: String {
        let all = [("kind", kind)] + entries.map { ($0.label, $0.text) }
        let width = (all.map { $0.0.count }.max() ?? 0) + 2
        return all.map { $0.0.padding(toLength: width, withPad: " ", startingAt: 0) + $0.1 }.joined(separator: "\n")
    }

    /// One object; the kind is among its keys.
    var json: JSONValue {
        var result: JSONValue = ["kind": .string(kind)]
        for entry in entries { result[entry.key] = entry.value }
        return result
    }
}
