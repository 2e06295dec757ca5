/// Which blocks of the middle an emulator keeps.
///
/// A method is *nested* when a smaller emulator's blocks are among those of a larger one, so that several releases
/// together expose no more than the largest of them. `nested` is so whatever the text and the seed; `blockInfluence`,
/// `leaveOneOut` and `random` only while text and seed stay the same; the others are not: uniform sets of 8, 10 and 12
/// of 20 blocks expose 18 between them.
public enum LayerSelection: String, Sendable, Codable, CaseIterable {
    /// Evenly spaced, both ends of the middle kept.
    case uniform
    /// The first of ``NestedOrdering``, which depends on nothing but how many blocks the middle has.
    case nested
    /// The blocks that turn the hidden states the most (ShortGPT, arXiv 2403.03853).
    case blockInfluence = "block-influence"
    /// One block of each cluster of like hidden states (CRaSh, arXiv 2310.15477).
    case cka
    /// What remains when the block whose loss raises the loss least is dropped again and again.
    case leaveOneOut = "leave-one-out"
    /// All but one run of neighbours, the run that turns the last token least (Gromov et al., arXiv 2403.17887).
    case contiguous
    /// Drawn by the seed.
    case random

    /// Whether blocks are compared by what they do to text.
    public var needsText: Bool {
        switch self {
        case .uniform, .nested, .random: false
        case .blockInfluence, .cka, .leaveOneOut, .contiguous: true
        }
    }

    /// The kept indices of a method that looks at no text, ascending and 0-based within the middle; nil for the others.
    ///
    /// `uniform`: `index_i = round(i · (n−1)/(k−1))` for i = 0 ..< k, halves rounded to even as the reference
    /// implementation's language does (Xiao, Lin, Han 2023, `uniform_choose_layers`). With k = 1, where the published
    /// rule divides by zero, the block in the middle is kept; k = 0 keeps none.
    ///
    /// - Parameters:
    ///   - count: k, how many blocks to keep, 0 ... n.
    ///   - middleCount: n, the blocks of the middle.
    ///   - seed: decides `random`; the others do not look at it.
    public func indices(keeping count: Int, of middleCount: Int, seed: UInt64 = 0) -> [Int]? {
        precondition(count >= 0 && count <= middleCount, "cannot keep \(count) of \(middleCount) blocks")
        switch self {
        case .uniform:
            if count < 2 { return count == 0 ? [] : [Self.centre(of: middleCount)] }
            let stride = Double(middleCount - 1) / Double(count - 1)
            return (0..<count).map { Int((Double($0) * stride).rounded(.toNearestOrEven)) }
        case .nested:
            return NestedOrdering.coarseToFine(middleCount).prefix(count).sorted()
        case .random:
            return NestedOrdering.random(middleCount, seed: seed).prefix(count).sorted()
        case .blockInfluence, .cka, .leaveOneOut, .contiguous:
            return nil
        }
    }

    /// The block in the middle of `count`, halves rounded to even.
    static func centre(of count: Int) -> Int { Int((Double(count - 1) / 2).rounded(.toNearestOrEven)) }
}
