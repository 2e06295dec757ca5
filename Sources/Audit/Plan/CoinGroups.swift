import Training

/// Which records must share one inclusion coin: all of one subject, and all with the same content.
///
/// A record held out here but trained on there, under another holder or as a copy, would be a "non-member" that the model has
/// seen. So subjects and duplicates tie records across all holders, and ties chain.
struct CoinGroups {
    /// The coin of each record, numbered from 0 in order of first appearance.
    let coins: [Int]
    /// Number of coins.
    let count: Int
    /// Records whose content an earlier record has already.
    let duplicates: Int

    init(_ records: [Record]) {
        var parents = Array(records.indices)
        func root(_ index: Int) -> Int {
            var index = index
            while parents[index] != index {
                parents[index] = parents[parents[index]]
                index = parents[index]
            }
            return index
        }
        var firstOfContent: [String: Int] = [:]
        var firstOfSubject: [String: Int] = [:]
        var duplicates = 0
        for (index, record) in records.enumerated() {
            // The separator keeps "a" + "bc" apart from "ab" + "c".
            let content = "\(record.form.rawValue)\u{1f}\(record.fullText)\u{1f}\(record.answer)"
            if let first = firstOfContent[content] {
                duplicates += 1
                parents[root(index)] = root(first)
            } else {
                firstOfContent[content] = index
            }
            if let subject = record.subject {
                if let first = firstOfSubject[subject] {
                    parents[root(index)] = root(first)
                } else {
                    firstOfSubject[subject] = index
                }
            }
        }
        var numbers: [Int: Int] = [:]
        coins = records.indices.map { index in
            let root = root(index)
            let number = numbers[root] ?? numbers.count
            numbers[root] = number
            return number
        }
        count = numbers.count
        self.duplicates = duplicates
    }
}
