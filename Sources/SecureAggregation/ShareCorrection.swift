/// Which of many shares are wrong: Welch and Berlekamp's decoder for Shamir's sharing (US patent 4633470; Gemmell and
/// Sudan 1992), for the shares of one byte.
///
/// Of `m` shares with threshold `t` it names up to ⌊(m − t)/2⌋ wrong ones, in any places. Not in constant time: the
/// coordinator, who calls it, learns the secret anyway.
struct ShareCorrection {
    private let xs: [UInt8]
    private let threshold: Int

    init(xs: [UInt8], threshold: Int) {
        self.xs = xs
        self.threshold = threshold
    }

    /// Wrong shares that can be located at most.
    var capacity: Int { max(0, (xs.count - threshold) / 2) }

    /// The places of the wrong shares among `ys`; nil when there are more than ``capacity``.
    func errors(_ ys: [UInt8]) -> [Int]? {
        guard capacity > 0, let (quotient, locator) = solve(ys) else { return nil }
        // P = Q / E; a remainder means that no polynomial of degree t - 1 is close enough.
        guard let polynomial = divide(quotient, by: locator), polynomial.count <= threshold else { return nil }
        let wrong = xs.indices.filter { evaluate(polynomial, xs[$0]) != ys[$0] }
        return wrong.count <= capacity ? wrong : nil
    }

    /// Q and E with Q(x) = y · E(x) at every share, E monic of degree `capacity`, lowest coefficient first.
    private func solve(_ ys: [UInt8]) -> (quotient: [UInt8], locator: [UInt8])? {
        let unknownsOfQ = threshold + capacity
        let columns = unknownsOfQ + capacity
        var rows: [[UInt8]] = xs.indices.map { index in
            var row: [UInt8] = []
            row.reserveCapacity(columns + 1)
            var power: UInt8 = 1
            var powers: [UInt8] = []
            for _ in 0...max(unknownsOfQ, capacity) {
                powers.append(power)
                power = ShamirSharing.multiply(power, xs[index])
            }
            row += powers[..<unknownsOfQ]
            row += powers[..<capacity].map { ShamirSharing.multiply(ys[index], $0) }
            row.append(ShamirSharing.multiply(ys[index], powers[capacity]))
            return row
        }
        guard let solution = Self.eliminate(&rows, columns: columns) else { return nil }
        return (Array(solution[..<unknownsOfQ]), Array(solution[unknownsOfQ...]) + [1])
    }

    /// One solution of the linear system whose last column is the right-hand side; free unknowns are 0.
    private static func eliminate(_ rows: inout [[UInt8]], columns: Int) -> [UInt8]? {
        var pivots: [Int] = []
        for column in 0..<columns {
            let rank = pivots.count
            guard let pivot = rows.indices.dropFirst(rank).first(where: { rows[$0][column] != 0 }) else { continue }
            rows.swapAt(rank, pivot)
            let inverse = ShamirSharing.inverse(rows[rank][column])
            for index in column...columns { rows[rank][index] = ShamirSharing.multiply(rows[rank][index], inverse) }
            let leading = rows[rank]
            for row in rows.indices where row != rank && rows[row][column] != 0 {
                let factor = rows[row][column]
                for index in column...columns { rows[row][index] ^= ShamirSharing.multiply(factor, leading[index]) }
            }
            pivots.append(column)
        }
        if rows.dropFirst(pivots.count).contains(where: { $0[columns] != 0 }) { return nil }
        var solution = [UInt8](repeating: 0, count: columns)
        for (row, column) in pivots.enumerated() { solution[column] = rows[row][columns] }
        return solution
    }

    private func divide(_ dividend: [UInt8], by divisor: [UInt8]) -> [UInt8]? {
        var remainder = dividend
        var quotient = [UInt8](repeating: 0, count: max(0, dividend.count - divisor.count + 1))
        // The divisor is monic.
        for degree in quotient.indices.reversed() {
            let factor = remainder[degree + divisor.count - 1]
            quotient[degree] = factor
            for (offset, coefficient) in divisor.enumerated() {
                remainder[degree + offset] ^= ShamirSharing.multiply(factor, coefficient)
            }
        }
        return remainder.allSatisfy { $0 == 0 } ? quotient : nil
    }

    private func evaluate(_ polynomial: [UInt8], _ x: UInt8) -> UInt8 {
        polynomial.reversed().reduce(0) { ShamirSharing.multiply($0, x) ^ $1 }
    }
}
