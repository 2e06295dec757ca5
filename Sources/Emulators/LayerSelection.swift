/// Which blocks of the middle an emulator keeps.
public enum LayerSelection: String, Sendable, Codable, CaseIterable {
    /// Evenly spaced, both ends of the middle kept.
    case uniform

    /// The kept indices, 0-based within the middle.
    ///
    /// `index_i = round(i · (n−1)/(k−1))` for i = 0 ..< k, halves rounded to even as the reference implementation's
    /// language does (Xiao, Lin, Han 2023, `uniform_choose_layers`). With k = 1, where the published rule divides by
    /// zero, the block in the middle is kept; k = 0 keeps none.
    ///
    /// - Parameters:
    ///   - count: k, how many blocks to keep, 0 ... n.
    ///   - middleCount: n, the blocks of the middle.
    public func indices(keeping count: Int, of middleCount: Int) -> [Int] {
        precondition(count >= 0 && count <= middleCount, "cannot keep \(count) of \(middleCount) blocks")
        switch count {
        case 0: return []
        case 1: return [Int((Double(middleCount - 1) / 2).rounded(.toNearestOrEven))]
        default:
            let stride = Double(middleCount - 1) / Double(count - 1)
            return (0..<count).map { Int((Double($0) * stride).rounded(.toNearestOrEven)) }
        }
    }
}
