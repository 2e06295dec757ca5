/// How much of a record is in a reconstruction: ROUGE-N (Lin 2004) as F₁ over n-grams of tokens.
enum SequenceOverlap {
    /// 0 … 1; 0 when either has no n-gram.
    static func rouge(_ n: Int, _ candidate: [Int32], _ reference: [Int32]) -> Double {
        let (a, b) = (grams(n, candidate), grams(n, reference))
        let (found, wanted) = (a.values.reduce(0, +), b.values.reduce(0, +))
        if found == 0 || wanted == 0 { return 0 }
        let shared = a.reduce(0) { $0 + min($1.value, b[$1.key] ?? 0) }
        return 2 * Double(shared) / Double(found + wanted)
    }

    private static func grams(_ n: Int, _ ids: [Int32]) -> [[Int32]: Int] {
        guard ids.count >= n else { return [:] }
        return (0...(ids.count - n)).reduce(into: [:]) { $0[Array(ids[$1..<($1 + n)]), default: 0] += 1 }
    }
}
