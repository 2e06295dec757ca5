// Sums, scalings and scans over contiguous floats.
#include "CKernels.h"
#include "vectors.h"

FSOT_DISPATCH void fsot_add(const float *a, const float *b, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = a[i] + b[i];
}

FSOT_DISPATCH void fsot_add_into(float *restrict sum, const float *restrict x, size_t n) {
    for (size_t i = 0; i < n; i++) sum[i] += x[i];
}

FSOT_DISPATCH void fsot_axpy(float *restrict y, float alpha, const float *restrict x, size_t n) {
#pragma clang fp contract(fast)
    for (size_t i = 0; i < n; i++) y[i] += alpha * x[i];
}

FSOT_DISPATCH void fsot_scale(float *out, const float *x, float alpha, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = alpha * x[i];
}

// Squares are summed in float64: a gradient norm over 1e8 parameters keeps 15 digits.
FSOT_DISPATCH double fsot_sum_of_squares(const float *x, size_t n) {
#pragma clang fp reassociate(on) contract(fast)
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return sum;
}

FSOT_DISPATCH double fsot_inner_product(const float *a, const float *b, size_t n) {
#pragma clang fp reassociate(on) contract(fast)
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

// A float is not finite when all exponent bits are set.
FSOT_DISPATCH int fsot_all_finite(const float *x, size_t n) {
    for (size_t start = 0; start < n; start += 4096) {
        size_t end = start + 4096 < n ? start + 4096 : n;
        uint32_t found = 0;
        for (size_t i = start; i < end; i++) {
            uint32_t bits;
            memcpy(&bits, x + i, sizeof bits);
            found |= (bits & 0x7f800000u) == 0x7f800000u;
        }
        if (found) return 0;
    }
    return 1;
}

FSOT_DISPATCH void fsot_add_columns(double *restrict sums, const float *restrict x, size_t rows, size_t n) {
    for (size_t r = 0; r < rows; r++, x += n)
        for (size_t i = 0; i < n; i++) sums[i] += (double)x[i];
}

FSOT_DISPATCH void fsot_squared_difference(const float *a, const float *b, size_t n, double *difference,
                                           double *square_of_b) {
#pragma clang fp reassociate(on) contract(fast)
    double d = 0, s = 0;
    for (size_t i = 0; i < n; i++) {
        double e = (double)a[i] - (double)b[i];
        d += e * e;
        s += (double)b[i] * (double)b[i];
    }
    *difference = d;
    *square_of_b = s;
}

FSOT_DISPATCH void fsot_scaled_difference(float *restrict out, const float *restrict a, const float *restrict b,
                                          float alpha, size_t n, int accumulate) {
    if (accumulate)
        for (size_t i = 0; i < n; i++) out[i] += alpha * (a[i] - b[i]);
    else
        for (size_t i = 0; i < n; i++) out[i] = alpha * (a[i] - b[i]);
}
