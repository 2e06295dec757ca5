/// Where the gradient of one tensor gathers. Apart from the tensor, so that a tape can hold on to the slot while the
/// values are already freed.
final class GradientSlot {
    let shape: [Int]
    var gradient: Tensor?

    init(shape: [Int]) { self.shape = shape }

    /// Adds a gradient. The first one is kept as it is, without a copy; it may be shared with another slot, so a later
    /// addition writes in place only when nobody else holds it.
    func add(_ other: Tensor) {
        guard gradient != nil else {
            gradient = other
            return
        }
        let (sum, _) = destination()
        Elementwise.add(other, into: sum)
    }

    /// A buffer to write a contribution to: added to the gradient if `accumulates`, else it is the first one, to be stored.
    func destination() -> (tensor: Tensor, accumulates: Bool) {
        let isUnshared = isKnownUniquelyReferenced(&gradient)
        guard let old = gradient else {
            let fresh = Tensor(uninitialized: shape)
            gradient = fresh
            return (fresh, false)
        }
        if isUnshared {
            _ = old.mutablePointer
            return (old, true)
        }
        let copy = old.copy()
        gradient = copy
        return (copy, true)
    }

    /// Takes the gradient out.
    func take() -> Tensor? {
        defer { gradient = nil }
        return gradient
    }
}

/// A value that a backward pass needs: kept, or computed again from values that are kept anyway.
final class SavedTensor {
    private var tensor: Tensor?
    private let rebuild: (() -> Tensor)?

    init(_ tensor: Tensor) {
        self.tensor = tensor
        rebuild = nil
    }

    /// `rebuild` runs at most once; all users share its result, which lives as long as the last of them.
    init(rebuild: @escaping () -> Tensor) {
        self.rebuild = rebuild
    }

    var value: Tensor {
        if let tensor { return tensor }
        guard let rebuild else { preconditionFailure("a saved tensor without a value") }
        let made = rebuild()
        tensor = made
        return made
    }
}

extension Tensor {
    /// What an operation captures to see this tensor's values again in its backward pass.
    var saved: SavedTensor { recipe ?? SavedTensor(self) }
}
