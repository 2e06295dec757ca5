import Glibc

/// Gromov et al.'s choice of layers (arXiv 2403.17887, 3.7 of the survey): drop one run of neighbours, the one whose input
/// and output are the least angle apart at the last token.
public enum AngularDistance {
    /// The distance over each run of `length` blocks: d(l) = mean over sequences of arccos(cos(h_l, h_{l + length})) / π for
    /// l = 0 ... n − length.
    public static func distances(_ states: LayerStates, run length: Int) -> [Double] {
        (0...(states.blockCount - length)).map { states.angularDistance(from: $0, to: $0 + length) }
    }

    /// The blocks outside the least distant run, the first of several.
    ///
    /// - Parameters:
    ///   - distances: of each start of a run.
    ///   - length: blocks of a run.
    ///   - pinned: a block that no run may hold, unless every run does.
    public static func kept(_ distances: [Double], run length: Int, pinned: Int? = nil) -> [Int] {
        let blockCount = distances.count - 1 + length
        let free = distances.indices.filter { start in pinned.map { $0 < start || $0 >= start + length } ?? true }
        let candidates = free.isEmpty ? Array(distances.indices) : free
        guard let start = candidates.min(by: { (distances[$0], $0) < (distances[$1], $1) }) else { return [] }
        return Array(0..<start) + Array((start + length)..<blockCount)
    }
}

/// arccos(cosine) / π: 0 for the same direction, 1 for opposite ones.
func angle(_ cosine: Double) -> Double { acos(cosine) / .pi }
