"""What every page needs: door, sign-in, rendering, headers, refusals."""
