/// How much of a record is in a reconstruction: ROUGE-N (Lin 2004) as F₁ over n-grams of tokens.
enum SequenceOverlap {
    /// 0 … 1; 0 when either has no n-gram.
    static func rouge(_ n: Int, _ candidate: [Int32], _ reference: [Int32]) -> Double {
        let (a, b) = (grams(n, candidate), grams(n, reference))
        let (found, wanted) = (a.values.reduce(0, +), b.values.reduce(0, +))
        if found == 0 || wanted == 0 { return 0 }
        return 2 * Double(shared(a, b)) / Double(found + wanted)
    }

    /// The share of the reference's n-grams that the candidate has, each as often at most as it has it: ROUGE-N as Lin defines
    /// it, 0 … 1; 0 when the reference has none.
    static func recall(_ n: Int, of reference: [Int32], in candidate: [Int32]) -> Double {
        let wanted = grams(n, reference)
        let count = wanted.values.reduce(0, +)
        return count == 0 ? 0 : Double(shared(grams(n, candidate), wanted)) / Double(count)
    }

    private static func shared(_ a: [[Int32]: Int], _ b: [[Int32]: Int]) -> Int {
        a.reduce(0) { $0 + min($1.value, b[$1.key] ?? 0) }
    }

    private static func grams(_ n: Int, _ ids: [Int32]) -> [[Int32]: Int] {
        guard ids.count >= n else { return [:] }
        return (0...(ids.count - n)).reduce(into: [:]) { $0[Array(ids[$1..<($1 + n)]), default: 0] += 1 }
    }
}
