import TensorEngine

/// Linear centred kernel alignment between layers, and CRaSh's clusters of neighbours by it (arXiv 2310.15477).
public struct CKAClustering: Sendable {
    /// Centred Gram matrices of each block's output, sequences × sequences, row by row.
    private let grams: [[Double]]
    private let norms: [Double]

    /// Prepares the comparison of the blocks' outputs.
    ///
    /// - Parameter states: at least two sequences, else everything is 0 alike.
    public init(_ states: LayerStates) { self.init(outputs: Array(states.means.dropFirst())) }

    /// The same from the means themselves: block × sequence × hidden.
    public init(outputs: [[[Double]]]) {
        grams = outputs.map(Self.centredGram)
        norms = grams.map { gram in gram.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    }

    /// CKA(X, Y) = ‖Ycᵀ Xc‖²_F / (‖Xcᵀ Xc‖_F ‖Ycᵀ Yc‖_F) of the outputs of two blocks, columns centred; in 0 ... 1.
    ///
    /// Computed as ⟨Xc Xcᵀ, Yc Ycᵀ⟩ over the norms of both, which is the same and needs no hidden × hidden matrix. 0 where a
    /// block gives the same state for every sequence.
    public func similarity(_ first: Int, _ second: Int) -> Double {
        let norm = norms[first] * norms[second]
        return norm == 0 ? 0 : zip(grams[first], grams[second]).reduce(0) { $0 + $1.0 * $1.1 } / norm
    }

    /// Merges neighbours until `count` clusters are left: always the two adjacent clusters whose touching blocks (the last
    /// of the left, the first of the right) are most alike, the first of several.
    ///
    /// - Returns: the clusters in order; together they are all blocks.
    public func clusters(_ count: Int) -> [Range<Int>] {
        var clusters = grams.indices.map { $0..<($0 + 1) }
        var seams = grams.indices.dropLast().map { similarity($0, $0 + 1) }
        while clusters.count > max(1, count) {
            var best = 0
            for seam in seams.indices where seams[seam] > seams[best] { best = seam }
            clusters[best] = clusters[best].lowerBound..<clusters[best + 1].upperBound
            clusters.remove(at: best + 1)
            seams.remove(at: best)
        }
        return clusters
    }

    /// One block of each of `count` clusters: the `cluster[len / 2]` of CRaSh, or the pinned block in the cluster that has it.
    ///
    /// - Parameter pinned: a block that is kept whatever its likeness; nil: none.
    public func kept(_ count: Int, pinned: Int? = nil) -> [Int] {
        if count == 0 { return [] }
        return clusters(count).map { cluster in
            if let pinned, cluster.contains(pinned) { return pinned }
            return cluster.lowerBound + cluster.count / 2
        }
    }

    private static func centredGram(_ rows: [[Double]]) -> [Double] {
        let count = rows.count
        guard count > 0 else { return [] }
        var mean = [Double](repeating: 0, count: rows[0].count)
        for row in rows { for column in row.indices { mean[column] += row[column] / Double(count) } }
        let centred = rows.map { row in zip(row, mean).map { $0 - $1 } }
        var gram = [Double](repeating: 0, count: count * count)
        func energy(_ rows: [[Double]]) -> Double { rows.reduce(0) { $0 + dot($1, $1) } }
        // What rounding leaves of states that are all the same is not a direction.
        guard energy(centred) > 1e-20 * energy(rows) else { return gram }
        for first in 0..<count {
            for second in 0...first {
                let product = dot(centred[first], centred[second])
                gram[first * count + second] = product
                gram[second * count + first] = product
            }
        }
        return gram
    }
}
