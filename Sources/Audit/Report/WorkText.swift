import ReportPages

/// Floating-point operations as people say them, the same in reports and on the terminal.
public enum WorkText {
    /// "3.1 TFLOP".
    public static func operations(_ value: Double) -> String {
        let units = ["FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP"]
        var scaled = value
        var unit = 0
        while scaled >= 1000, unit < units.count - 1 {
            scaled /= 1000
            unit += 1
        }
        return Figure.measure(scaled) + "\u{a0}" + units[unit]
    }

    /// "3.9 ×", of something that the sentence names.
    public static func times(_ factor: Double) -> String {
        (factor < 0.01 ? Figure.tick(factor) : Figure.measure(factor)) + "\u{a0}×"
    }

    /// "3.1 TFLOP, 3.9 × the training".
    public static func cost(_ value: Double, training: Double?) -> String {
        guard let training, training > 0 else { return operations(value) }
        return "\(operations(value)), \(times(value / training)) the training"
    }
}
