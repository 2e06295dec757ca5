import Foundation

/// What the owner should know of an emulator while it is made: a sentence or a line of figures.
public enum CompressionNotice: Sendable, Equatable {
    /// The selection drops the block that makes the attention sink.
    case droppedSink(block: Int, before: Double, after: Double, selection: LayerSelection)
    /// How well the adapter's gradients agree.
    case forecast(GradientForecast, isDistilled: Bool)

    /// The warning that a choice of layers asks for, if any.
    init?(_ choice: LayerChoice) {
        guard let block = choice.droppedSink, let share = choice.sink?.firstTokenShare else { return nil }
        self = .droppedSink(block: block, before: share[block], after: share[block + 1], selection: choice.selection)
    }

    /// Whether the emulator may be worth less than it looks.
    public var isWarning: Bool {
        switch self {
        case .droppedSink: true
        case .forecast(let forecast, _): forecast.isPoor
        }
    }

    /// The line to show.
    public var text: String {
        switch self {
        case .droppedSink(let block, let before, let after, let selection):
            return
                "--selection \(selection.rawValue) drops block \(block) of the middle, which makes the attention sink "
                + String(
                    format: "(the first token's share of the energy rises from %.0f to %.0f %%); ",
                    100 * before,
                    100 * after
                )
                + "block-influence, cka and contiguous keep it."
        case .forecast(let forecast, let isDistilled):
            let ends = [("bottom", forecast.bottom), ("top", forecast.top)].compactMap { name, end in
                end.map {
                    String(format: "\(name) %.2f (noise %.2f, norm × %.2f)", $0.cosine, $0.noise, $0.normRatio)
                }
            }
            return "gradient cosine \(isDistilled ? "after" : "before") distilling: " + ends.joined(separator: ", ")
                + (forecast.isPoor
                    ? "; below \(GradientForecast.poorCosine), expect little of the tuning to transfer" : "")
        }
    }
}
