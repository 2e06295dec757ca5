import TensorEngine

/// The order in which examples are drawn: each epoch a fresh permutation that follows from the seed and the epoch's
/// number alone, so that a position is two integers.
public struct DataOrder: Codable, Sendable, Equatable {
    /// How many examples there are.
    public let count: Int
    /// The current epoch, from 0.
    public private(set) var epoch = 0
    /// Examples of the current epoch that were drawn.
    public private(set) var position = 0
    private let generator: SeededGenerator
    private var permutation: [Int] = []

    private enum CodingKeys: String, CodingKey {
        case count
        case epoch
        case position
        case generator
    }

    /// The beginning of epoch 0 over `count` ≥ 1 examples.
    public init(count: Int, generator: SeededGenerator) {
        precondition(count > 0, "there is nothing to order")
        self.count = count
        self.generator = generator.derive("data-order")
    }

    /// Whether the next example is the first of an epoch.
    public var isAtEpochStart: Bool { position == 0 }

    /// Reads a saved position.
    ///
    /// - Throws: `DecodingError` for a position outside the examples.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        count = try values.decode(Int.self, forKey: .count)
        epoch = try values.decode(Int.self, forKey: .epoch)
        position = try values.decode(Int.self, forKey: .position)
        generator = try values.decode(SeededGenerator.self, forKey: .generator)
        guard count > 0, epoch >= 0, (0..<count).contains(position) else {
            throw DecodingError.dataCorruptedError(
                forKey: .position,
                in: values,
                debugDescription: "position \(position) of \(count) in epoch \(epoch)"
            )
        }
    }

    /// Draws up to `size` examples. A batch never reaches into the next epoch: the last one of an epoch may be smaller.
    public mutating func next(_ size: Int) -> [Int] {
        if permutation.isEmpty {
            var shuffler = generator.derive("epoch-\(epoch)")
            permutation = Array(0..<count).shuffled(using: &shuffler)
        }
        let end = min(count, position + max(1, size))
        let drawn = Array(permutation[position..<end])
        position = end
        if position == count {
            position = 0
            epoch += 1
            permutation = []
        }
        return drawn
    }

    /// Whether two positions are the same; the cached permutation does not count.
    public static func == (left: DataOrder, right: DataOrder) -> Bool {
        left.count == right.count && left.epoch == right.epoch && left.position == right.position
            && left.generator == right.generator
    }
}
