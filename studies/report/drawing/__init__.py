"""What figures are drawn with: panels, scales, styles, venues, and the kinds of figures that studies share."""
