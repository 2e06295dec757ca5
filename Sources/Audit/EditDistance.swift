/// Levenshtein's distance, for suggesting what was meant.
enum EditDistance {
    /// The name with the fewest insertions, deletions and changes of characters; nil when more than half would change.
    static func nearest(to name: String, among known: [String]) -> String? {
        let best = known.map { ($0, between(name, $0)) }.min { $0.1 < $1.1 }
        return best.flatMap { $0.1 * 2 <= max(name.count, $0.0.count) ? $0.0 : nil }
    }

    static func between(_ a: String, _ b: String) -> Int {
        let target = Array(b)
        var row = Array(0...target.count)
        for (i, character) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for j in target.indices {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (character == target[j] ? 0 : 1))
                diagonal = above
            }
        }
        return row[target.count]
    }
}
