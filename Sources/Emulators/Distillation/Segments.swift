/// How a thinned middle stands beside the whole one: block i of the student takes the place of a run of the teacher's blocks.
struct Segments: Equatable {
    /// The teacher's blocks where segments meet, ascending: segment i is `boundaries[i] ..< boundaries[i + 1]`.
    let boundaries: [Int]

    /// A segment begins with the kept block, the first one with the middle; it ends where the next begins.
    init(_ split: OffsiteSplit) {
        let end = split.fullLayerCount - split.top
        boundaries = split.keptLayers.isEmpty ? [] : [split.bottom] + split.keptLayers.dropFirst() + [end]
    }

    /// The number of segments, which is that of the student's middle blocks.
    var count: Int { max(0, boundaries.count - 1) }

    /// Whether every segment is one block: nothing but widths differs.
    var areSingleBlocks: Bool { zip(boundaries, boundaries.dropFirst()).allSatisfy { $1 == $0 + 1 } }
}
