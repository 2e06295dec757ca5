/// Shares of train, validation and test within each part.
public struct SplitRatios: Codable, Sendable, Equatable {
    /// Share of records to train on.
    public let train: Double
    /// Share to choose settings and rounds by.
    public let validation: Double
    /// Share that only the final figures see.
    public let test: Double

    /// Makes ratios; they must be within 0…1 and sum to 1.
    ///
    /// - Throws: `TrainingError.badSetting`.
    public init(train: Double, validation: Double, test: Double) throws {
        let all = [train, validation, test]
        guard all.allSatisfy({ $0 >= 0 && $0 <= 1 }), abs(all.reduce(0, +) - 1) < 1e-9, train > 0 else {
            throw TrainingError.badSetting(
                name: "--ratios",
                reason: "is \(train),\(validation),\(test); give three shares that sum to 1, the first above 0"
            )
        }
        self.train = train
        self.validation = validation
        self.test = test
    }

    private init(trusted train: Double, _ validation: Double, _ test: Double) {
        self.train = train
        self.validation = validation
        self.test = test
    }

    /// 90 %, 5 %, 5 %.
    public static let standard = SplitRatios(trusted: 0.9, 0.05, 0.05)

    /// How FS-LLM cuts `count` shuffled records: truncated products, the remainder to test; but at least one record
    /// trains, and a remainder without a test share trains too.
    public func counts(of count: Int) -> (train: Int, validation: Int, test: Int) {
        // The nudge keeps 0.1 · 30 from becoming 2.
        let train = min(count, max(1, Int(self.train * Double(count) + 1e-9)))
        let validation = min(count - train, Int(self.validation * Double(count) + 1e-9))
        let rest = count - train - validation
        return test == 0 ? (train + rest, validation, 0) : (train, validation, rest)
    }
}
