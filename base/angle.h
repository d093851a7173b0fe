// Sine, cosine and tangent of angles in radians, in double precision. The C library's reduce large
// angles with 3 KB of 2/pi, for numbers of 128 bits. Thread-safe.
#pragma once

namespace sardonyx {

// As sin(), cos() and tan() of C, for angles of any size: sine and cosine are off by less than one
// unit in the last place and the tangent by less than three. NaN for infinities.
double sine(double angle);
double cosine(double angle);
double tangent(double angle);

}  // namespace sardonyx
