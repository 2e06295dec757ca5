/// Ranks with ties sharing their mean rank, the base of every rank statistic here.
enum MidRanks {
    /// Ranks from 1 to n; equal values get the mean of the ranks that they span.
    static func of(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var ranks = [Double](repeating: 0, count: values.count)
        forEachTie(in: order, values: values) { tie in
            let mean = Double(tie.lowerBound + tie.upperBound + 1) / 2
            for position in tie { ranks[order[position]] = mean }
        }
        return ranks
    }

    /// The sum over tie groups of t³ − t, which shrinks the variance of the rank sum.
    static func tieTerm(of values: [Double]) -> Double {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var sum = 0.0
        forEachTie(in: order, values: values) { tie in
            let size = Double(tie.count)
            sum += size * size * size - size
        }
        return sum
    }

    private static func forEachTie(in order: [Int], values: [Double], _ body: (Range<Int>) -> Void) {
        var start = 0
        while start < order.count {
            var end = start + 1
            while end < order.count && values[order[end]] == values[order[start]] { end += 1 }
            body(start..<end)
            start = end
        }
    }
}
