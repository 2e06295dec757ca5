/// A set of row or column numbers, in JSON as text: `"0-3,7,9-12"`.
public struct IndexRanges: Sendable, Equatable {
    /// Ascending, apart from each other, none empty.
    public private(set) var ranges: [Range<Int>] = []

    /// The set of `indices`, in any order.
    public init(_ indices: some Sequence<Int>) {
        for index in Set(indices).sorted() { append(index..<(index + 1)) }
    }

    /// How many numbers are in it.
    public var count: Int { ranges.reduce(0) { $0 + $1.count } }

    /// The numbers that are in this set, the other, or both.
    public func union(_ other: IndexRanges) -> IndexRanges {
        var result = IndexRanges([])
        for range in (ranges + other.ranges).sorted(by: {
            ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound)
        }) {
            result.append(range)
        }
        return result
    }

    /// Adds a range that does not start before the last one does.
    private mutating func append(_ range: Range<Int>) {
        if let last = ranges.last, range.lowerBound <= last.upperBound {
            ranges[ranges.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
        } else {
            ranges.append(range)
        }
    }
}

extension IndexRanges {
    /// `"0-3,7,9-12"`; empty for the empty set.
    public var text: String {
        ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound - 1)" }.joined(
            separator: ","
        )
    }
}

extension IndexRanges: Codable {
    /// Reads the text form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        func failure() -> DecodingError {
            DecodingError.dataCorruptedError(in: container, debugDescription: "\(text.prefix(40)) is no list of ranges")
        }
        for part in text.split(separator: ",") {
            let bounds = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard let first = bounds.first ?? nil, let last = bounds.last ?? nil, bounds.count <= 2, first >= 0,
                last >= first, last < 1 << 40, ranges.last.map({ first > $0.upperBound }) ?? true
            else { throw failure() }
            ranges.append(first..<(last + 1))
        }
    }

    /// Writes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
