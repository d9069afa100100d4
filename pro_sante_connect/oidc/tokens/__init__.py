"""Keys, tokens, claims, and the one question asked at every use: is this still alive?"""
