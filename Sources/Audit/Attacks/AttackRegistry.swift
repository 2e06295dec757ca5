/// The attacks by name.
public enum AttackRegistry {
    /// Every name that a suite may list, in the order in which reports show them.
    public static let names =
        quick + [
            "LOWER", "HARD-TOKEN", "REF-MINK++", "RECALL", "LOSS-SERIES", "GRAD-COS", "GRAD-DIFF", "GRAD-NORM",
            "FEDMIA-I",
            "FEDMIA-II",
        ] + referenceModels + ["QUANTILE"] + drawing + active

    /// Those that one forward pass a model serves; LOWER needs a second one.
    public static let quick = ["LOSS", "RATIO", "ZLIB", "MINK", "MINK++", "EZ", "DLOSS", "SPAN"]

    /// Those that compare with shadow models, which the attacker has to train.
    public static let referenceModels = ["LIRA", "LIRA-OFFLINE", "RMIA", "RMIA-OFFLINE"]

    /// Those of a coordinator that lies about the adapter, on a fork of the run.
    public static let active = ["ACTIVE-GA", "ACTIVE-NORM"]
    /// Those that draw texts: many passes a record, and only where a suite names them.
    public static let drawing = ["NEIGHBOUR", "SAMIA"]

    /// Makes an attack with the suite's parameters; names are compared without regard to case.
    ///
    /// - Throws: `AuditError.unknownAttack`.
    public static func attack(named name: String, suite: AttackSuite) throws -> any Attack {
        switch name.uppercased() {
        case "LOSS": return LossAttack()
        case "RATIO": return RatioAttack()
        case "ZLIB": return ZlibAttack()
        case "LOWER": return LowerAttack()
        case "MINK": return MinKAttack(fraction: suite.minKFraction)
        case "MINK++": return MinKPlusPlusAttack(fraction: suite.minKFraction)
        case "HARD-TOKEN": return HardTokenAttack(fraction: suite.minKFraction)
        case "REF-MINK++": return MinKPlusPlusReferenceAttack(fraction: suite.minKFraction)
        case "RECALL": return RecallAttack()
        case "DLOSS": return DLossAttack()
        case "LOSS-SERIES": return LossSeriesAttack()
        case "GRAD-COS": return GradientCosineAttack()
        case "GRAD-DIFF": return GradientDifferenceAttack()
        case "GRAD-NORM": return GradientNormAttack()
        case "FEDMIA-I": return FedMIAAttack(.loss)
        case "FEDMIA-II": return FedMIAAttack(.cosine)
        case "SPAN": return SpanAttack()
        case "EZ": return EZAttack(smoothing: suite.ezSmoothing)
        case "LIRA": return LiRAAttack(priorDegrees: suite.liraPriorDegrees)
        case "LIRA-OFFLINE": return LiRAOfflineAttack(priorDegrees: suite.liraPriorDegrees)
        case "RMIA": return RMIAAttack(gamma: suite.rmiaGamma)
        case "RMIA-OFFLINE": return RMIAOfflineAttack(gamma: suite.rmiaGamma, offlineA: suite.rmiaOfflineA)
        case "ACTIVE-GA": return ActiveAscentAttack()
        case "ACTIVE-NORM": return ActiveNormAttack()
        case "QUANTILE": return QuantileAttack()
        case "NEIGHBOUR": return NeighbourAttack()
        case "SAMIA": return SamiaAttack(weightsByZlib: suite.samia?.weightsByZlib ?? false)
        default: throw AuditError.unknownAttack(name: name, known: names)
        }
    }
}
