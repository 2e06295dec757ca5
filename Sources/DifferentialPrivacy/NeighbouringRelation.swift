/// Which two data sets a mechanism must make look alike; the noise multiplier is relative to its sensitivity.
public enum NeighbouringRelation: String, Sendable, Equatable {
    /// One participant more or less. Sensitivity of a clipped sum: the clipping norm C.
    case addOrRemoveOne = "add-or-remove-one"
    /// One participant exchanged for another. Sensitivity of a clipped sum: 2C.
    case replaceOne = "replace-one"

    /// The sensitivity of a sum of vectors clipped to norm C, in units of C.
    public var sensitivity: Double {
        switch self {
        case .addOrRemoveOne: 1
        case .replaceOne: 2
        }
    }
}
