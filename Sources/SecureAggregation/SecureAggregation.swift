// SecureAggregation
