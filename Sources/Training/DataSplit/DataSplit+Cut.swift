import TensorEngine

extension DataSplit {
    /// The three sets of a part.
    enum Side {
        case train
        case validation
        case test
    }

    /// For subjects whose records land in several parts (only `meta` does that): the one side they all take.
    static func sides(of records: [Record], ratios: SplitRatios, generator: SeededGenerator) -> [String: Side] {
        var categories: [String: Set<String>] = [:]
        for record in records {
            if let subject = record.subject { categories[subject, default: []].insert(record.category ?? "") }
        }
        let spread = categories.filter { $0.value.count > 1 }.keys.sorted()
        return Dictionary(
            uniqueKeysWithValues: spread.map { subject in
                var coin = generator.derive("split-subject-\(subject)")
                let draw = coin.uniform()
                return (
                    subject,
                    draw < ratios.train ? .train : draw < ratios.train + ratios.validation ? .validation : .test
                )
            }
        )
    }

    /// Cuts one part by its ratios. Whole subjects move: they fill test and validation up to their counts, and what does
    /// not fit there trains.
    static func cut(
        _ part: [Int],
        name: String,
        of records: [Record],
        ratios: SplitRatios,
        sides: [String: Side],
        using generator: inout SeededGenerator
    ) -> SplitPart {
        var result = SplitPart(name: name, train: [], validation: [], test: [])
        let target = ratios.counts(of: part.count)
        var free: [[Int]] = []
        for unit in units(of: part, in: records) {
            switch records[unit[0]].subject.flatMap({ sides[$0] }) {
            case .train: result.train += unit
            case .validation: result.validation += unit
            case .test: result.test += unit
            case nil: free.append(unit)
            }
        }
        for unit in free.shuffled(using: &generator) {
            if result.test.count + unit.count <= target.test {
                result.test += unit
            } else if result.validation.count + unit.count <= target.validation {
                result.validation += unit
            } else {
                result.train += unit
            }
        }
        result.train.sort()
        result.validation.sort()
        result.test.sort()
        return result
    }

    private static func units(of part: [Int], in records: [Record]) -> [[Int]] {
        units(of: part.map { records[$0] }).map { unit in unit.map { part[$0] } }
    }
}
