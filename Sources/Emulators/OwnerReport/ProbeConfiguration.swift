import PEFT

/// Which of the adapter's two ends the probe trains and plugs in.
public enum AdapterEnd: String, Codable, Sendable, CaseIterable {
    /// The blocks at the input end.
    case bottom
    /// The blocks at the output end.
    case top
    /// All adapter blocks.
    case both
}

/// How the probe tunes.
public struct ProbeConfiguration: Codable, Sendable, Equatable {
    /// What is trained.
    public var method: TuningMethod
    /// Which end is trained and plugged in.
    public var end: AdapterEnd
    /// Optimizer steps.
    public var steps: Int
    /// Records of a step.
    public var batch: Int
    /// Constant rate of AdamW (no decay; gradients clipped to norm 1, as `fsot tune` does).
    public var learningRate: Double
    /// FedProx's μ; 0: no proximal term.
    public var proximal: Double
    /// Seeds of the data order and of LoRA's first matrices: 0 ..< `seeds`.
    public var seeds: Int

    /// Makes a configuration.
    public init(
        method: TuningMethod = .blocks,
        end: AdapterEnd = .both,
        steps: Int = 100,
        batch: Int = 4,
        learningRate: Double = 1e-4,
        proximal: Double = 0,
        seeds: Int = 3
    ) {
        self.method = method
        self.end = end
        self.steps = steps
        self.batch = batch
        self.learningRate = learningRate
        self.proximal = proximal
        self.seeds = seeds
    }

    /// Adapter blocks of the emulator that are trained.
    ///
    /// - Throws: `EmulatorError.invalidSplit` when the chosen end has none.
    func trainedLayers(of map: LayerMap) throws -> [Int] {
        let bottom = end == .top ? [] : Array(0..<map.bottom)
        let top = end == .bottom ? [] : Array((map.emulatorLayerCount - map.top)..<map.emulatorLayerCount)
        guard !(bottom + top).isEmpty else {
            throw EmulatorError.invalidSplit(
                reason: "The emulator has no adapter block at its \(end.rawValue)",
                remedy: "choose another --probe-train"
            )
        }
        return bottom + top
    }
}
