/// A record of fused operations for reverse-mode differentiation.
///
/// Each operation is a method in its own file under `Operations/`. An operation records itself only if something
/// trainable lies below its output, and keeps only what its backward pass reads; `backward` frees all of it as it goes.
public final class Tape {
    /// Whether operations are recorded. A tape that does not record stores nothing: inference.
    public let isRecording: Bool
    /// Where parameters' gradients go, one example apart from the other; nil: to `Parameter.gradient`, summed.
    public let examples: PerExampleGradients?

    private struct Node {
        let slot: GradientSlot
        let backward: (inout Tensor) -> Void
    }
    private var nodes: [Node] = []

    /// An empty tape.
    public init(isRecording: Bool = true) {
        self.isRecording = isRecording
        examples = nil
    }

    /// An empty tape whose backward pass tells examples apart.
    public init(examples: PerExampleGradients) {
        isRecording = true
        self.examples = examples
    }

    /// A result of undefined contents that requires a gradient if the tape records and `condition` holds.
    func output(_ shape: [Int], requiresGradientIf condition: Bool) -> Tensor {
        Tensor(uninitialized: shape, requiresGradient: isRecording && condition)
    }

    /// Records how the gradient of `output` reaches the operation's inputs. The closure must capture slots and saved
    /// values, never `output` itself. It may overwrite the gradient it is handed if `isKnownUniquelyReferenced`.
    func record(_ output: Tensor, backward: @escaping (_ gradient: inout Tensor) -> Void) {
        guard let slot = output.slot else { return }
        nodes.append(Node(slot: slot, backward: backward))
    }

    /// Adds the gradient of `loss`, a scalar of shape `[1]`, to each trainable `Parameter.gradient` that it depends on,
    /// and to each leaf tensor that requires one. The tape is empty afterwards. With ``examples``, parameters' gradients are
    /// reported there instead.
    public func backward(from loss: Tensor) {
        precondition(loss.count == 1, "backward starts from a scalar, not from the shape \(loss.shape).")
        backward(from: loss, seed: Tensor(shape: [1], values: [1]))
    }

    /// The same from a result of any shape, whose gradient is given.
    public func backward(from result: Tensor, seed: Tensor) {
        precondition(isRecording, "this tape records nothing; make it with Tape(isRecording: true) to train.")
        precondition(seed.count == result.count, "a gradient \(seed.shape) does not fit \(result.shape).")
        result.slot?.add(seed)
        while let node = nodes.popLast() {
            guard var gradient = node.slot.take() else { continue }
            node.backward(&gradient)
        }
    }
}
