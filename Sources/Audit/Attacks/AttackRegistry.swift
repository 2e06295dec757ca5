/// The attacks by name.
public enum AttackRegistry {
    /// Every name that a suite may list, in the order in which reports show them.
    public static let names = ["LOSS", "RATIO", "ZLIB", "LOWER", "MINK", "MINK++", "EZ"]

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
        case "EZ": return EZAttack(smoothing: suite.ezSmoothing)
        default: throw AuditError.unknownAttack(name: name, known: names)
        }
    }
}
