/// A JSON object whose keys are told apart byte by byte.
///
/// Swift's `String` compares by canonical equivalence, so a `[String: …]` would merge two vocabulary entries that differ
/// only in Unicode composition; a tokenizer must keep both.
public struct JSONObject: Sendable, Equatable {
    struct ExactKey: Hashable, Sendable {
        let text: String

        static func == (left: ExactKey, right: ExactKey) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

        func hash(into hasher: inout Hasher) {
            var copy = text
            copy.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
    }

    var storage: [ExactKey: JSONValue] = [:]

    /// An empty object.
    public init() {}

    /// An object with the entries of a dictionary.
    public init(_ entries: [String: JSONValue]) {
        for (key, value) in entries { storage[ExactKey(text: key)] = value }
    }

    /// The value under exactly `key`; assigning nil removes it.
    public subscript(key: String) -> JSONValue? {
        get { storage[ExactKey(text: key)] }
        set { storage[ExactKey(text: key)] = newValue }
    }

    /// The keys in no particular order.
    public var keys: [String] { storage.keys.map(\.text) }

    /// The number of entries.
    public var count: Int { storage.count }

    /// Whether there is no entry.
    public var isEmpty: Bool { storage.isEmpty }

    /// The entries ordered by the bytes of their keys: the order of canonical output.
    public var sorted: [(key: String, value: JSONValue)] {
        storage.map { (key: $0.key.text, value: $0.value) }
            .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// `["key": value]`; of equal keys the last one counts.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        for (key, value) in elements { storage[ExactKey(text: key)] = value }
    }
}

extension JSONObject: Sequence {
    /// Iterates over `(key, value)` pairs in no particular order.
    public func makeIterator() -> AnyIterator<(key: String, value: JSONValue)> {
        var base = storage.makeIterator()
        return AnyIterator { base.next().map { (key: $0.key.text, value: $0.value) } }
    }
}
