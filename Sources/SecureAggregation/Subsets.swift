/// The index sets of one size, in lexicographic order, up to a limit.
///
/// One wrong share among many answers is found soon; the limit keeps a coordinator from trying for ever when there are
/// more wrong shares than the threshold allows.
struct Subsets: IteratorProtocol {
    static let limit = 2000
    private let count: Int
    private var indices: [Int]?
    private var tried = 0

    init(of count: Int, taking size: Int) {
        self.count = count
        indices = size <= count ? Array(0..<size) : nil
    }

    mutating func next() -> [Int]? {
        guard let current = indices, tried < Self.limit else { return nil }
        tried += 1
        var following = current
        if let position = following.indices.last(where: { following[$0] < count - following.count + $0 }) {
            following[position] += 1
            for later in following.indices where later > position { following[later] = following[later - 1] + 1 }
            indices = following
        } else {
            indices = nil
        }
        return current
    }
}
