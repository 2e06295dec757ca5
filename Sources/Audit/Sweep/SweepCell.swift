/// One run of a sweep: how much of the middle is shipped, what is tuned, where, and from which seed.
public struct SweepCell: Codable, Sendable, Equatable, Hashable {
    /// Which ends of the adapter there are.
    public enum Placement: String, Codable, Sendable, CaseIterable {
        /// Two blocks at either end.
        case both
        /// The last blocks only.
        case top
        /// The first blocks only.
        case bottom
    }

    /// Share of the middle's parameters that ships.
    public var ratio: Double
    /// `blocks`, or `lora:RANK`.
    public var method: String
    /// Where the adapter is.
    public var placement: Placement
    /// Of training and compression; the coins are the same in all cells.
    public var seed: UInt64

    /// Makes a cell.
    public init(ratio: Double, method: String, placement: Placement, seed: UInt64) {
        self.ratio = ratio
        self.method = method
        self.placement = placement
        self.seed = seed
    }

    /// The cell's name, for files and for the report.
    public var name: String {
        let parts = ["r\(ratio)", method.replacing(":", with: ""), placement.rawValue, "s\(seed)"]
        return parts.joined(separator: "-")
    }

    /// The rank of LoRA; nil for whole blocks.
    ///
    /// - Throws: `AuditError.invalidSweep` for anything but `blocks` and `lora:RANK`.
    public func rank() throws -> Int? {
        if method == "blocks" { return nil }
        guard method.hasPrefix("lora:"), let rank = Int(method.dropFirst(5)), rank > 0 else {
            throw AuditError.invalidSweep(reason: "--methods \(method) is neither blocks nor lora:RANK")
        }
        return rank
    }

    /// All combinations, those of the first seed first: a sweep that is stopped has the whole grid as early as possible.
    public static func grid(
        ratios: [Double],
        methods: [String],
        placements: [Placement],
        seeds: [UInt64]
    ) -> [SweepCell] {
        seeds.flatMap { seed in
            placements.flatMap { placement in
                ratios.flatMap { ratio in
                    methods.map { SweepCell(ratio: ratio, method: $0, placement: placement, seed: seed) }
                }
            }
        }
    }

    /// Every `count`-th cell from the `index`-th on (counted from 1): what one of several machines does.
    public static func shard(_ cells: [SweepCell], _ index: Int, of count: Int) -> [SweepCell] {
        cells.enumerated().filter { $0.offset % count == index - 1 }.map(\.element)
    }
}
