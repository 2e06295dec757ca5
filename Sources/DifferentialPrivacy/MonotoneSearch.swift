/// Where a condition on positive numbers that changes once begins to hold.
package enum MonotoneSearch {
    /// Neighbouring numbers between which `holds` turns from false to true.
    ///
    /// - Parameters:
    ///   - start: any positive number; the search doubles or halves from here.
    ///   - tolerance: relative distance of the two.
    ///   - range: where to look.
    ///   - holds: false below some number, true above it.
    /// - Returns: `below` does not hold unless it is the lower end of `range`; `above` holds unless it is the upper end.
    package static func boundary<Failure: Error>(
        startingAt start: Double,
        tolerance: Double,
        in range: ClosedRange<Double> = 1e-300...1e300,
        _ holds: (Double) throws(Failure) -> Bool
    ) throws(Failure) -> (below: Double, above: Double) {
        var below = start
        var above = start
        if try holds(start) {
            while below > range.lowerBound {
                above = below
                below = max(below / 2, range.lowerBound)
                if below > range.lowerBound, try !holds(below) { break }
            }
        } else {
            while above < range.upperBound {
                below = above
                above = min(above * 2, range.upperBound)
                if above < range.upperBound, try holds(above) { break }
            }
        }
        while above - below > tolerance * above {
            let middle = below + (above - below) / 2
            if middle <= below || middle >= above { break }
            if try holds(middle) { above = middle } else { below = middle }
        }
        return (below, above)
    }
}
