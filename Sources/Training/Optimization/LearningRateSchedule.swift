import Foundation

/// The learning rate of each step: a linear warm-up, then constant, linear or cosine decay to zero.
public struct LearningRateSchedule: Codable, Sendable, Equatable {
    /// What follows the warm-up.
    public enum Shape: String, Codable, Sendable, CaseIterable {
        /// The peak rate throughout.
        case constant
        /// In a straight line to zero at the last step.
        case linear
        /// Half a cosine to zero at the last step (arXiv 1608.03983, without restarts).
        case cosine
    }

    /// The shape.
    public var shape: Shape
    /// The highest rate.
    public var peak: Double
    /// Steps that lead up to the peak; the first of them already moves: `peak / warmupSteps`.
    public var warmupSteps: Int
    /// All steps, warm-up included; only the decaying shapes use it.
    public var totalSteps: Int

    /// Makes a schedule.
    ///
    /// - Throws: `TrainingError.badSetting` when the rate is not positive and finite, or the steps contradict.
    public init(_ shape: Shape = .constant, peak: Double, warmupSteps: Int = 0, totalSteps: Int = 0) throws {
        guard peak > 0, peak.isFinite else {
            throw TrainingError.badSetting(name: "--lr", reason: "is \(peak); it must be a positive number")
        }
        guard warmupSteps >= 0, shape == .constant || totalSteps > warmupSteps else {
            throw TrainingError.badSetting(
                name: "warm-up",
                reason: "is \(warmupSteps) of \(totalSteps) steps; it must leave steps to decay over"
            )
        }
        self.shape = shape
        self.peak = peak
        self.warmupSteps = warmupSteps
        self.totalSteps = totalSteps
    }

    /// The rate of `step`, counted from 0; zero after the end of a decaying schedule.
    public func rate(at step: Int) -> Double {
        if step < warmupSteps { return peak * Double(step + 1) / Double(warmupSteps) }
        let progress = min(1, Double(step - warmupSteps) / Double(max(1, totalSteps - warmupSteps)))
        switch shape {
        case .constant: return peak
        case .linear: return peak * (1 - progress)
        case .cosine: return peak * 0.5 * (1 + cos(Double.pi * progress))
        }
    }
}
