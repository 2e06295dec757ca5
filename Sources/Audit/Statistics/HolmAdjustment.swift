/// Holm's step-down adjustment (1979): controls the chance of any false alarm under every dependence.
public enum HolmAdjustment {
    /// Adjusted p-values in the order given.
    public static func adjust(_ pValues: [Double]) -> [Double] {
        let order = pValues.indices.sorted { pValues[$0] < pValues[$1] }
        var adjusted = pValues
        var floor = 0.0
        for (step, index) in order.enumerated() {
            floor = max(floor, min(1, Double(pValues.count - step) * pValues[index]))
            adjusted[index] = floor
        }
        return adjusted
    }
}
